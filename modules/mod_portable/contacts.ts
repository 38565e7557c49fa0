/** XEP-0227 §4.4, §4.9: contacts, and requests that have no answer yet. */
import { Jid } from '../../server/jid/jid.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import type { RosterItem, Rosters } from '../mod_roster/index.ts'
import type { Part } from './part.ts'

export function contactsPart(rosters: Pick<Rosters, 'of'>): Part {
  return {
    things: 'contacts',

    async *write({ node = '' }: Jid) {
      const roster = await rosters.of(node)
      const own = [...roster.items.keys()].flatMap((bare) => {
        const item = roster.own(Jid.parse(bare))
        return item === undefined ? [] : [itemElement(bare, item)]
      })
      yield xml('query', { xmlns: NS.roster, ver: roster.version }, ...own).toString()
      for (const request of roster.requests.values()) yield Stanza.parse(request).toElement().toString()
    },

    read({ node = '' }, element, list) {
      if (list !== undefined) return undefined
      if (element.name === 'query' && element.ns === NS.roster) return readItems(node, element)
      const isRequest = element.name === 'presence' && element.ns === NS.client && element.attrs['type'] === 'subscribe'
      return isRequest ? readRequest(node, element) : undefined
    },
  }

  async function readItems(node: string, query: Element): Promise<number> {
    const roster = await rosters.of(node)
    let count = 0
    for (const element of query.elements) {
      const contact = Jid.tryParse(element.attrs['jid'] ?? '')
      if (element.name !== 'item' || contact === undefined) continue
      await roster.set(contact.toBare(), readItem(element), roster.requests.get(contact.bare))
      count++
    }
    return count
  }

  async function readRequest(node: string, element: Element): Promise<number> {
    const roster = await rosters.of(node)
    const contact = Jid.tryParse(element.attrs['from'] ?? '')
    const request = Stanza.fromElement(element)
    if (contact === undefined || request === undefined) return 0
    await roster.set(contact.toBare(), roster.own(contact), request.toString())
    return 1
  }
}

function itemElement(bare: string, { name, subscription, ask, approved, groups }: RosterItem): Element {
  const flags = { ask: ask ? 'subscribe' : undefined, approved: approved ? 'true' : undefined }
  return xml('item', { jid: bare, name, subscription, ...flags }, ...groups.map((group) => xml('group', {}, group)))
}

function readItem({ attrs, elements }: Element): RosterItem {
  const groups = elements.filter(({ name }) => name === 'group').map((group) => group.getText().trim())
  return {
    subscription: SUBSCRIPTIONS.find((known) => known === attrs['subscription']) ?? 'none',
    ask: attrs['ask'] === 'subscribe',
    approved: attrs['approved'] === 'true' || attrs['approved'] === '1',
    name: attrs['name'],
    groups: [...new Set(groups)].filter((group) => group !== ''),
  }
}

const SUBSCRIPTIONS = ['none', 'to', 'from', 'both'] as const
