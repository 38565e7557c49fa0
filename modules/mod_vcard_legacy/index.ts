/** XEP-0398, XEP-0153, XEP-0292: cards and avatars of the old kind and of the new one are the same. */
import { defineModule } from '../../server/host/module.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { avatarFor, disableAvatar, NODE_METADATA, photoElement, pictureIn, publishAvatar } from './avatars.ts'
import { NS_VCARD4, toVcard4, toVcardTemp } from './card-mapping.ts'
import { setupPresence } from './presence.ts'

const NODE_CARD = 'urn:xmpp:vcard4'
const CARD_ID = 'current'
/** What we publish ourselves we need not convert back. */
const CAUSE = 'vcard_legacy'

export default defineModule({
  name: 'vcard_legacy',
  about: 'shows avatars and cards to old and new clients alike',
  xeps: { 398: '1.0.0', 153: '1.1.1' },
  on: ['local'],
  depends: ['vcard', 'pep'],

  setup(host) {
    const pep = host.service('pep')
    const cards = host.service('vcard')
    host.provide('account-feature', 'urn:xmpp:pep-vcard-conversion:0')
    setupPresence(host, pep)

    host.on('vcard/asked', async (event) => {
      const { account, asking } = event
      const card = (await mayRead(account, asking)) ? event.card : undefined
      const avatar = await avatarFor(pep, account, asking)
      event.card = avatar === undefined ? card : withPhoto(card, photoElement(avatar))
    })

    host.on('vcard/written', async (event) => {
      const { account, card } = event
      const photo = card.child('PHOTO')
      const picture = pictureIn(photo)
      if (picture !== undefined) await publishAvatar(pep, account, picture, CAUSE)
      if (photo === undefined) await disableAvatar(pep, account, CAUSE)
      event.card = picture === undefined ? card : withPhoto(card, undefined)
      await publishCard(account, event.card)
    })

    host.on('pep/changed', async ({ account, node, cause, published }) => {
      if (node !== NODE_CARD || cause === CAUSE) return
      const card = published && pep.payload(published)
      if (card?.ns === NS_VCARD4) await cards.set(account, toVcardTemp(card))
      else if (((await pep.items(account, NODE_CARD)) ?? []).length === 0) await cards.set(account, undefined)
    })

    // Cards that were written before there were nodes, or brought along from another server.
    host.on('session/binding', async ({ account: { jid } }) => {
      if ((await pep.config(jid, NODE_CARD)) === undefined) await migrate(jid)
    })

    async function migrate(account: Jid): Promise<void> {
      const card = await cards.get(account)
      if (card === undefined) return
      const picture = pictureIn(card.child('PHOTO'))
      const hasAvatar = (await pep.config(account, NODE_METADATA)) !== undefined
      if (picture !== undefined && !hasAvatar) await publishAvatar(pep, account, picture, CAUSE)
      const stored = picture === undefined ? card : withPhoto(card, undefined)
      await publishCard(account, stored)
      await cards.set(account, stored)
    }

    function publishCard(account: Jid, card: Element): Promise<void> {
      return pep.publish(account, NODE_CARD, { id: CARD_ID, payload: toVcard4(card), cause: CAUSE })
    }

    /** What was made of a card of the new format is for those who may see that. */
    async function mayRead(account: Jid, asking: Jid): Promise<boolean> {
      if ((await pep.config(account, NODE_CARD)) === undefined) return true
      return (await pep.items(account, NODE_CARD, asking)) !== undefined
    }
  },
})

function withPhoto(card: Element | undefined, photo: Element | undefined): Element {
  const others = (card?.elements ?? []).filter(({ name }) => name !== 'PHOTO')
  return xml('vCard', { xmlns: NS.vcard }, ...others, photo)
}
