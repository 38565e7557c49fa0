/** XEP-0292: vCard4 over XMPP. Cards are items of a node; whoever asks for one as such gets it from there. */
import { defineModule } from '../server/host/module.ts'
import { StanzaError } from '../server/stanza-error.ts'

const NS_VCARD4 = 'urn:ietf:params:xml:ns:vcard-4.0'
const NODE = 'urn:xmpp:vcard4'
const ITEM_ID = 'current'

export default defineModule({
  name: 'vcard4',
  about: 'shows cards of the new format',
  xeps: { 292: '0.12.0' },
  on: ['local'],
  depends: ['pep'],

  setup(host) {
    const pep = host.service('pep')
    host.provide('account-feature', NS_VCARD4)
    // Cards are for everybody (§8).
    host.provide('pep-defaults', { node: NODE, config: { access_model: 'open' } })

    host.iq({ type: 'get', ns: NS_VCARD4, name: 'vcard', at: 'account' }, async ({ from, to }) => {
      const card = (await pep.items(to, NODE, from))?.at(-1)
      const payload = card && pep.payload(card)
      if (payload !== undefined) return payload
      // Strangers do not learn whether there is such an account, as with cards of the old format.
      throw new StanzaError(from.bare === to.bare ? 'item-not-found' : 'service-unavailable')
    })

    host.iq({ type: 'set', ns: NS_VCARD4, name: 'vcard', at: 'account' }, async ({ from, to, payload }) => {
      if (from.bare !== to.bare) throw new StanzaError('forbidden')
      await pep.publish(to, NODE, { id: ITEM_ID, payload, cause: 'vcard4' })
    })
  },
})
