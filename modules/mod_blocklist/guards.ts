/** XEP-0191 §3.3: nothing passes between an account and what it has blocked. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { handled, type Handled, type StanzaEvent } from '../../server/routed-stanza.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import { xml } from '../../server/xml/element.ts'
import { type Blocklist, isBlocked } from './blocklist.ts'
import type { Blocklists } from './lists.ts'

const NS_ERRORS = 'urn:xmpp:blocking:errors'

/** `isBounced`: whether the senders of messages hear that they did not arrive. */
export function setupGuards(host: ModuleHost, lists: Blocklists, isBounced: boolean): void {
  host.on('outgoing/message', checkSent, 'guard')
  host.on('outgoing/presence', checkSent, 'guard')
  host.on('outgoing/iq', checkSent, 'guard')
  host.on('incoming/message', checkReceived, 'guard')
  host.on('incoming/presence', checkReceived, 'guard')
  host.on('incoming/iq', checkReceived, 'guard')

  function checkSent({ origin, to }: StanzaEvent<ClientSession>): Maybe<undefined> {
    const list = lists.ofAccount(origin.account)
    return isPending(list) ? list.then((loaded) => refuse(loaded, origin, to)) : refuse(list, origin, to)
  }

  function refuse(list: Blocklist, { jid }: ClientSession, to: Jid): undefined {
    if (list.size === 0 || !isBlocked(list, to) || isOwn(jid, to)) return
    const extra = xml('blocked', { xmlns: NS_ERRORS })
    throw new StanzaError('not-acceptable', 'You have blocked this JID', { type: 'cancel', extra })
  }

  function checkReceived(event: StanzaEvent): Maybe<Handled | undefined> {
    const { origin, from } = event
    // What we say on behalf of an account, as its presence, has passed no guard yet.
    const isOurs = origin.kind === 'local' && from.node !== undefined && from.domain === host.domain
    return isOurs ? checkOurs(event) : checkForAddressee(event)
  }

  function checkOurs(event: StanzaEvent): Maybe<Handled | undefined> {
    const { from, to } = event
    const isHidden = (list: Blocklist) => isBlocked(list, to) && !isOwn(from, to)
    const decide = (list: Blocklist) => (isHidden(list) ? handled : checkForAddressee(event))
    const list = lists.of(from)
    return isPending(list) ? list.then(decide) : decide(list)
  }

  function checkForAddressee(event: StanzaEvent): Maybe<Handled | undefined> {
    if (event.to.node === undefined) return undefined
    const list = lists.of(event.to)
    return isPending(list) ? list.then((loaded) => admit(loaded, event)) : admit(list, event)
  }

  function admit(list: Blocklist, event: StanzaEvent): Handled | undefined {
    const { from, to } = event
    return list.size > 0 && isBlocked(list, from) && !isOwn(to, from) ? turnAway(event) : undefined
  }

  /** As if nobody were there (XEP-0191 §3.3). */
  function turnAway({ stanza: { name, type } }: StanzaEvent): Handled {
    const isRequest = name === 'iq' && (type === 'get' || type === 'set')
    // A room would throw out an occupant who sends errors.
    const isMail = name === 'message' && type !== 'groupchat'
    if (isRequest || (isMail && isBounced)) throw new StanzaError('service-unavailable')
    return handled
  }

  /** Clients of one account cannot block each other, nor their server. */
  function isOwn(account: Jid, other: Jid): boolean {
    return other.bare === account.bare || other.full === host.domain
  }
}
