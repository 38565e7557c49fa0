/** XEP-0227 §4.6, §4.7: settings of clients, and the card. */
import type { ModuleHost } from '../../server/host/host.ts'
import { handled } from '../../server/routed-stanza.ts'
import { xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { parseElement } from '../../server/xml/parse.ts'
import type { MapStore } from '../../storage/store.ts'
import type { Part } from './part.ts'

/** `elements` is what mod_private keeps: by namespace and name. */
export function settingsPart(host: ModuleHost, elements: MapStore<string>): Part {
  return {
    things: 'settings',

    async *write({ node = '' }) {
      const kept = await elements.all(node)
      if (kept.size === 0) return
      const children = [...kept.values()].map((text) => parseElement(text))
      yield xml('query', { xmlns: NS.private }, ...children).toString()
    },

    read(account, element) {
      if (element.name !== 'query' || element.ns !== NS.private) return undefined
      return (async () => {
        for (const child of element.elements) {
          // Bookmarks have another place here (XEP-0402).
          const taken = await host.fire('private/given', { account, element: child })
          if (taken !== handled) await elements.set(account.node ?? '', `${child.ns} ${child.name}`, child.toString())
        }
        return element.elements.length
      })()
    },
  }
}

export function cardPart(host: ModuleHost): Part {
  return {
    things: 'cards',

    async *write(account) {
      const card = await host.optionalService('vcard')?.get(account)
      if (card !== undefined) yield card.toString()
    },

    read(account, element) {
      const cards = host.optionalService('vcard')
      if (element.name !== 'vCard' || element.ns !== NS.vcard || cards === undefined) return undefined
      return cards.set(account, element).then(() => 1)
    },
  }
}
