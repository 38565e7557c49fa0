/** XEP-0191: addresses that an account has blocked. XEP-0227 has no place for them, so they are told as to a client. */
import { Jid } from '../../server/jid/jid.ts'
import { xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { MapStore } from '../../storage/store.ts'
import type { Part } from './part.ts'

/** `blocked` is what mod_blocklist keeps, by address. */
export function blockedPart(blocked: MapStore<{ readonly since: number }>, now: () => number): Part {
  return {
    things: 'blocked addresses',

    async *write({ node = '' }) {
      const addresses = [...(await blocked.all(node)).keys()]
      if (addresses.length === 0) return
      yield xml('blocklist', { xmlns: NS.blocking }, ...addresses.map((jid) => xml('item', { jid }))).toString()
    },

    read({ node = '' }, element) {
      if (element.name !== 'blocklist' || element.ns !== NS.blocking) return undefined
      const jids = element.elements
        .map((item) => Jid.tryParse(item.attrs['jid'] ?? ''))
        .filter((jid) => jid !== undefined)
      const since = now()
      return blocked.setMany(node, new Map(jids.map((jid) => [jid.full, { since }]))).then(() => jids.length)
    },
  }
}
