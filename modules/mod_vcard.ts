/** XEP-0054: vcard-temp. */
import { defineModule } from '../server/host/module.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { NS } from '../server/xml/ns.ts'
import { parseElement } from '../server/xml/parse.ts'
import { keyval } from '../storage/store.ts'

export default defineModule({
  name: 'vcard',
  about: "keeps and shows people's cards",
  xeps: { 54: '1.3.0' },
  on: ['local'],
  stores: { cards: keyval<string>('vcard') },

  setup(host, { stores: { cards } }) {
    host.feature(NS.vcard)
    host.provide('account-feature', NS.vcard)

    host.iq({ type: 'get', ns: NS.vcard, name: 'vCard', at: 'account' }, async ({ from, to }) => {
      const card = await cards.get(to.node ?? '')
      if (card !== undefined) return parseElement(card)
      // Strangers do not learn whether there is such an account (XEP-0054 §3.3).
      throw new StanzaError(from.bare === to.bare ? 'item-not-found' : 'service-unavailable')
    })

    host.iq({ type: 'set', ns: NS.vcard, name: 'vCard', at: 'account' }, async ({ from, to, payload }) => {
      // Nobody writes the card of another (XEP-0054 §3.2).
      if (from.bare !== to.bare) throw new StanzaError('forbidden')
      await cards.set(to.node ?? '', payload.toString())
    })
  },
})
