/** RFC 6121 §8.5: delivering messages to the clients of an account. */
import { handled, type Handled, type StanzaEvent } from '../server/routed-stanza.ts'
import type { Account } from '../server/session/account.ts'
import type { ClientSession } from '../server/session/client-session.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { defineModule } from '../server/host/module.ts'

export default defineModule({
  name: 'message',
  about: 'delivers messages to clients',
  rfcs: [6121],
  on: ['local'],

  setup(host) {
    host.on('incoming/message', deliver, 'deliver')
    // Whatever nobody could take: modules that store messages come before.
    host.on('incoming/message', ({ stanza }) => (isDropped(stanza.type) ? handled : undefined), 'fallback')

    function deliver({ stanza, to }: StanzaEvent): Handled | undefined {
      if (to.node === undefined) return undefined
      const { type } = stanza
      const account = host.account(to.bare)
      const exact = to.resource === undefined ? undefined : account?.session(to.resource)
      if (exact?.send(stanza) === true) return handled
      // A room's message is for one occupant, never for an account (RFC 6121 §8.5.2.1.1, §8.5.3.2.1).
      if (type === 'groupchat') throw new StanzaError('service-unavailable')
      if (account === undefined || type === 'error') return undefined
      // News for one client is nothing to the others (RFC 6121 §8.5.3.2.1). DEPARTS from the same section for `normal`,
      // which goes where `chat` goes: clients use both alike, and what is refused here is lost.
      if (type === 'headline' && to.resource !== undefined) return handled
      let delivered = false
      for (const session of recipients(account, type)) delivered = session.send(stanza) || delivered
      return delivered ? handled : undefined
    }
  },
})

/**
 * Who gets a message to the bare JID: a headline every client that takes
 * messages, anything else those of the highest priority (RFC 6121 §8.5.2.1.1).
 */
function recipients({ receptive }: Account, type: string | undefined): readonly ClientSession[] {
  if (type === 'headline' || receptive.length < 2) return receptive
  const highest = Math.max(...receptive.map(({ priority }) => priority))
  return receptive.filter(({ priority }) => priority === highest)
}

/** What is not worth an answer when nobody is there (RFC 6121 §8.5.2.2.1, §8.5.3.2.1). */
function isDropped(type: string | undefined): boolean {
  return type === 'headline' || type === 'error'
}
