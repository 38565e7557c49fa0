/** XEP-0012: Last Activity. When an account was last there, and since when the server runs. */
import { defineModule } from '../server/host/module.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { NS } from '../server/xml/ns.ts'
import { xml } from '../server/xml/element.ts'
import { keyval } from '../storage/store.ts'
import type { ClientSession } from '../server/session/client-session.ts'

const NS_LAST = 'jabber:iq:last'

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

    host.feature(NS_LAST)
    host.provide('account-feature', NS_LAST)

    host.iq({ type: 'get', ns: NS_LAST, name: 'query', at: 'host' }, () => answer(startedAt))

    host.iq({ type: 'get', ns: NS_LAST, name: 'query', at: 'account' }, async ({ from, to }) => {
      const node = to.node ?? ''
      // Only those who may see the presence of the account may know (XEP-0012 §5).
      if (!(await host.service('roster').mayKnow(from, to))) throw new StanzaError('forbidden')
      if ((host.account(to.bare)?.available.length ?? 0) > 0) return answer(host.clock.now())
      const parting = await partings.get(node)
      if (parting === undefined) throw new StanzaError('item-not-found')
      return answer(parting.at, parting.status)
    })

    host.on(
      'outgoing/presence',
      ({ stanza, origin }) => {
        if (stanza.to === undefined && stanza.type === 'unavailable') {
          status(origin).text = stanza.child('status', NS.client)?.getText() ?? ''
        }
      },
      'archive',
    )

    host.on('session/closed', ({ session }) => {
      if (session.account.size === 0) host.spawn('note parting', () => note(session))
    })

    function note(session: ClientSession): Promise<void> {
      return partings.set(session.jid.node ?? '', { at: host.clock.now(), status: status(session).text })
    }

    function answer(since: number, text?: string) {
      const seconds = Math.max(0, Math.floor((host.clock.now() - since) / 1000))
      return xml('query', { xmlns: NS_LAST, seconds: String(seconds) }, text)
    }
  },
})
