/** XEP-0012: Last Activity. When an account was last there, and since when the host runs. */
import { defineModule } from '../server/host/module.ts'
import type { ClientSession } from '../server/session/client-session.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { own } from '../server/util/own.ts'
import { type Element, xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'
import { keyval } from '../storage/store.ts'

/** When the last session of an account ended, and what it said in parting. */
interface Parting {
  readonly at: number
  readonly status: string
}

export default defineModule({
  name: 'last',
  about: 'tells when an account was last there',
  xeps: { 12: '2.0' },
  on: ['local'],
  depends: ['roster'],
  stores: { partings: keyval<Parting>('last') },

  setup(host, { stores: { partings } }) {
    const startedAt = host.clock.now()
    const status = host.slot('status', () => ({ text: '' }))
    /** Accounts that are being removed: nothing is to be noted of them any more. */
    const leaving = new Set<string>()

    host.feature(NS.last)
    host.provide('account-feature', NS.last)

    host.iq({ type: 'get', ns: NS.last, name: 'query', at: 'host' }, () => answer(startedAt))

    host.iq({ type: 'get', ns: NS.last, name: 'query', at: 'account' }, async ({ from, to }) => {
      // Only those who may see the presence of the account may know (XEP-0012 §3).
      if (!(await host.service('roster').mayKnow(from, to))) throw new StanzaError('forbidden')
      if ((host.account(to.bare)?.size ?? 0) > 0) return answer(host.clock.now())
      const parting = await partings.get(to.node ?? '')
      if (parting === undefined) throw new StanzaError('item-not-found')
      return answer(parting.at, parting.status)
    })

    host.on(
      'outgoing/presence',
      ({ stanza, origin }) => {
        if (stanza.to !== undefined) return
        status(origin).text = stanza.type === 'unavailable' ? own(stanza.childText('status') ?? '') : ''
      },
      'archive',
    )

    host.on('session/closed', ({ session }) => {
      if (session.account.size > 0 || leaving.has(session.jid.node ?? '')) return
      host.spawn('note parting', () => note(session))
    })
    host.on('account/removing', ({ node }) => void leaving.add(node))
    host.on('account/removed', ({ node }) => void leaving.delete(node))

    function note(session: ClientSession): Promise<void> {
      return partings.set(session.jid.node ?? '', { at: host.clock.now(), status: status(session).text })
    }

    function answer(since: number, text?: string): Element {
      const seconds = Math.max(0, Math.floor((host.clock.now() - since) / 1000))
      return xml('query', { xmlns: NS.last, seconds: String(seconds) }, text)
    }
  },
})
