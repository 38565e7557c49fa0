/** XEP-0054: vcard-temp. */
import type { Chain, Notice } from '../server/host/hooks.ts'
import { defineModule } from '../server/host/module.ts'
import type { Jid } from '../server/jid/jid.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { type Element, xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'
import { parseElement } from '../server/xml/parse.ts'
import { keyval } from '../storage/store.ts'

/** The cards as they are stored. */
export interface Cards {
  get(account: Jid): Promise<Element | undefined>
  set(account: Jid, card: Element | undefined): Promise<void>
}

declare module '../server/host/module.ts' {
  interface Services {
    vcard: Cards
  }
}

declare module '../server/host/events.ts' {
  interface HostHooks {
    /** Somebody wants to see a card; a handler may put another in its place, or none. */
    'vcard/asked': Chain<{ readonly account: Jid; readonly asking: Jid; card: Element | undefined }>
    /** An account has written its card; what handlers leave in `card` is stored. */
    'vcard/written': Chain<{ readonly account: Jid; card: Element }>
    /** An account has another card from now on, or none, whichever way it came. */
    'vcard/changed': Notice<{ readonly account: Jid; readonly card: Element | undefined }>
  }
}

export default defineModule({
  name: 'vcard',
  about: "keeps and shows people's cards",
  xeps: { 54: '1.3.0' },
  on: ['local'],
  stores: { cards: keyval<string>('vcard') },

  setup(host, { stores }) {
    host.feature(NS.vcard)
    host.provide('account-feature', NS.vcard)

    const cards: Cards = {
      async get({ node = '' }) {
        const card = await stores.cards.get(node)
        return card === undefined ? undefined : parseElement(card)
      },
      async set(account, card) {
        await stores.cards.set(account.node ?? '', card?.toString())
        host.announce('vcard/changed', { account, card })
      },
    }

    host.iq({ type: 'get', ns: NS.vcard, name: 'vCard', at: 'account' }, async ({ from, to }) => {
      const shape = { account: to, asking: from, card: await cards.get(to) }
      await host.fire('vcard/asked', shape)
      if (shape.card !== undefined) return completed(shape.card)
      // Strangers do not learn whether there is such an account (XEP-0054 §3.3).
      throw new StanzaError(from.bare === to.bare ? 'item-not-found' : 'service-unavailable')
    })

    host.iq({ type: 'set', ns: NS.vcard, name: 'vCard', at: 'account' }, async ({ from, to, payload }) => {
      // Nobody writes the card of another (XEP-0054 §3.2).
      if (from.bare !== to.bare) throw new StanzaError('forbidden')
      const shape = { account: to, card: payload }
      await host.fire('vcard/written', shape)
      await cards.set(to, shape.card)
    })

    return cards
  },
})

const NAME_PARTS = ['FAMILY', 'GIVEN', 'MIDDLE', 'PREFIX', 'SUFFIX']

/** Clients rely on these two being there, whole and before the rest, be they empty. */
function completed(card: Element): Element {
  const name = card.child('N')
  const parts = NAME_PARTS.map((part) => name?.child(part) ?? xml(part, {}))
  const rest = card.elements.filter((child) => child.name !== 'FN' && child.name !== 'N')
  return xml('vCard', { xmlns: NS.vcard }, card.child('FN') ?? xml('FN', {}), xml('N', {}, ...parts), ...rest)
}
