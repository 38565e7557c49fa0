/** RFC 6121 §8.5: delivering messages to the clients of an account. */
import type { Chain } from '../server/host/hooks.ts'
import type { Jid } from '../server/jid/jid.ts'
import { handled, type Handled, type StanzaEvent } from '../server/routed-stanza.ts'
import type { ClientSession } from '../server/session/client-session.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { defineModule } from '../server/host/module.ts'

declare module '../server/host/events.ts' {
  interface HostHooks {
    /**
     * One of our clients writes to an account of this host. Load what handlers of the message will need, so that nobody
     * waits between what is stored for the sender and what is stored for the addressee: both are there then, or neither.
     */
    'message/expected': Chain<{ readonly from: Jid; readonly to: Jid }>
  }
}

export default defineModule({
  name: 'message',
  about: 'delivers messages to clients',
  rfcs: [6121],
  on: ['local'],

  setup(host) {
    host.on(
      'outgoing/message',
      ({ from, to }) => (to.node === undefined ? undefined : host.fireAt(to.domain, 'message/expected', { from, to })),
      'guard',
    )
    host.on('incoming/message', deliver, 'deliver')
    // What nobody could take and nobody stores.
    host.on('incoming/message', ({ stanza }) => (isDropped(stanza.type) ? handled : undefined), 'fallback')

    function deliver(event: StanzaEvent): Handled | undefined {
      const { stanza, to } = event
      if (to.node === undefined) return undefined
      const { type } = stanza
      const account = host.account(to.bare)
      const exact = to.resource === undefined ? undefined : account?.session(to.resource)
      if (exact !== undefined && hand(event, exact)) return handled
      // A room's message is for one occupant, never for an account (RFC 6121 §8.5.2.1.1, §8.5.3.2.1).
      if (type === 'groupchat') throw new StanzaError('service-unavailable')
      if (account === undefined || type === 'error') return undefined
      // News for one client is nothing to the others (RFC 6121 §8.5.3.2.1). DEPARTS from the same section for `normal`,
      // which goes where `chat` goes: clients use both alike, and what is refused here is lost.
      if (type === 'headline' && to.resource !== undefined) return handled
      let delivered = false
      for (const session of account.recipients(type)) delivered = hand(event, session) || delivered
      return delivered ? handled : undefined
    }
  },
})

/** Its sender is told that it has been handled when it cannot be lost any more. */
function hand(event: StanzaEvent, session: ClientSession): boolean {
  const isSent = session.send(event.stanza)
  const { storing } = session.outbox
  if (storing !== undefined) event.settles(storing)
  return isSent
}

/** What is not worth an answer when nobody is there (RFC 6121 §8.5.2.2.1, §8.5.3.2.1). */
function isDropped(type: string | undefined): boolean {
  return type === 'headline' || type === 'error'
}
