/** RFC 6121 §4.3: asking who is there, and answering. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { handled, type Handled, type StanzaEvent } from '../../server/routed-stanza.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import { inSlices } from '../../server/util/slices.ts'
import { presence } from '../../server/xml/build.ts'

export interface Probes {
  /** Asks all contacts whose presence the account gets. */
  send(session: ClientSession): void
  /** Shows every available client of an account to someone who may see it. False if there is none. */
  show(account: Jid, to: Jid): boolean
}

export function setupProbes(host: ModuleHost<'roster' | 'accounts'>): Probes {
  host.on('incoming/presence', (event) => (event.stanza.type === 'probe' ? answer(event) : undefined))
  return { send: (session) => host.spawn('send probes', () => send(session)), show }

  async function send(session: ClientSession): Promise<void> {
    const roster = await host.service('roster').of(session.jid.node ?? '')
    const seen = [...roster.items].filter(([, { subscription }]) => subscription === 'to' || subscription === 'both')
    await inSlices(seen, ([bare]) => {
      const probe = presence({ type: 'probe', from: session.jid.full, to: bare })
      if (!session.closed) void host.sendTo(host.parseJid(bare), probe, session.jid)
    })
  }

  /** RFC 6121 §4.3.2: contacts learn who is there; whoever may not know is told that they are no contact. */
  function answer({ from, to }: StanzaEvent): Maybe<Handled | undefined> {
    if (to.node === undefined) return undefined
    const account = to.toBare()
    const mayKnow = host.service('roster').mayKnow(from, account)
    return isPending(mayKnow) ? mayKnow.then((may) => tell(from, account, may)) : tell(from, account, mayKnow)
  }

  function tell(to: Jid, account: Jid, mayKnow: boolean): Maybe<Handled> {
    if (mayKnow && show(account, to)) return handled
    const type = mayKnow ? 'unavailable' : 'unsubscribed'
    const told = host.sendTo(to, presence({ type, from: account.full, to: to.full }), account)
    return isPending(told) ? told.then(() => handled) : handled
  }

  function show(account: Jid, to: Jid): boolean {
    const sessions = host.account(account.bare)?.available ?? []
    for (const session of sessions) {
      if (session.presence !== undefined) void host.sendTo(to, session.presence.with({ to: to.full }), session.jid)
    }
    return sessions.length > 0
  }
}
