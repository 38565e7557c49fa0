/** XEP-0054: vcard-temp. */
import { defineModule } from '../server/host/module.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { xml } from '../server/xml/element.ts'
import { parseElement } from '../server/xml/parse.ts'
import { keyval } from '../storage/store.ts'

const NS_VCARD = 'vcard-temp'

export default defineModule({
  name: 'vcard',
  about: "keeps and shows people's cards",
  xeps: { 54: '1.2' },
  on: ['local'],
  depends: ['accounts'],
  stores: { cards: keyval<string>('vcard') },

  setup(host, { stores: { cards } }) {
    host.feature(NS_VCARD)
    host.provide('account-feature', NS_VCARD)

    host.iq({ type: 'get', ns: NS_VCARD, name: 'vCard', at: 'account' }, async ({ from, to }) => {
      const card = await cards.get(to.node ?? '')
      if (card !== undefined) return parseElement(card)
      // The owner of a card that is not there gets an empty one; strangers learn nothing (XEP-0054 §3.1, §3.3).
      if (from.bare === to.bare) return xml('vCard', { xmlns: NS_VCARD })
      if (await host.service('accounts').exists(to.node ?? '')) throw new StanzaError('item-not-found')
      throw new StanzaError('service-unavailable')
    })

    host.iq({ type: 'set', ns: NS_VCARD, name: 'vCard', at: 'account' }, async ({ from, to, payload }) => {
      // Nobody writes the card of another (XEP-0054 §3.2).
      if (from.bare !== to.bare) throw new StanzaError('forbidden')
      await cards.set(to.node ?? '', payload.toString())
    })
  },
})
