/** HOT. XEP-0313 §6.1.1: archives what accounts send and receive, on its way. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { isWorthKeeping } from '../../server/protocol/archive-content.ts'
import type { ArchiveReader } from '../../server/protocol/archive-reader.ts'
import { hasHint } from '../../server/protocol/hints.ts'
import { stanzaIdElement, withoutStanzaIdsBy, withStanzaId } from '../../server/protocol/stanza-id.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { Appended, ArchiveStore } from '../../storage/store.ts'
import type { Tombstones } from './tombstones.ts'
import type { Wishes } from './wishes.ts'
import type { Writes } from './writes.ts'

/** What keeping needs. */
export interface Archive {
  readonly messages: ArchiveStore
  readonly reader: ArchiveReader
  readonly wishes: Wishes
  readonly tombstones: Tombstones
  readonly writes: Writes
}

export function setupKeeping(host: ModuleHost, { messages, reader, wishes, tombstones, writes }: Archive): void {
  /** The sender's ids of messages that may be copied to its other clients: the addressee must not see them (§3.5). */
  const sentIds = new WeakMap<StanzaEvent, string>()

  host.on('outgoing/message', keepSent, 'archive')
  host.on('incoming/message', keepReceived, 'archive')
  host.on('carbons/copying', (copying) => {
    const { event, direction } = copying
    const id = direction === 'sent' ? sentIds.get(event) : undefined
    if (id !== undefined) copying.stanza = copying.stanza.append(stanzaIdElement({ id, by: event.from.bare }))
  })

  function keepSent(event: StanzaEvent<ClientSession>): Maybe<undefined> {
    const { from, to, origin } = event
    event.stanza = withoutStanzaIdsBy(event.stanza, from.bare)
    if (!isKept(event.stanza)) return undefined
    const wanted = wishes.ofAccount(origin.account, to)
    return isPending(wanted) ? wanted.then((yes) => archiveSent(event, yes)) : archiveSent(event, wanted)
  }

  function keepReceived(event: StanzaEvent): Maybe<undefined> {
    const { from, to, origin } = event
    // What an account writes to itself was kept when it was sent: an archive has everything once (§6.1.1).
    if (to.node === undefined || (to.bare === from.bare && origin.kind === 'client')) return undefined
    event.stanza = withoutStanzaIdsBy(event.stanza, to.bare)
    if (!isKept(event.stanza)) return undefined
    const account = host.account(to.bare)
    const wanted = account === undefined ? wishes.ofNode(to.node, from) : wishes.ofAccount(account, from)
    return isPending(wanted) ? wanted.then((yes) => archiveReceived(event, yes)) : archiveReceived(event, wanted)
  }

  function archiveSent(event: StanzaEvent<ClientSession>, isWanted: boolean): Maybe<undefined> {
    if (!isWanted) return undefined
    const { from, to, origin } = event
    const { id, stored } = append(event, from, to)
    if (to.bare === from.bare) event.stanza = withStanzaId(event.stanza, { id, by: from.bare })
    else if (origin.account.size > 1) sentIds.set(event, id)
    return unlessBehind(stored)
  }

  function archiveReceived(event: StanzaEvent, isWanted: boolean): Maybe<undefined> {
    if (!isWanted) return undefined
    const { id, stored } = append(event, event.to, event.from)
    event.stanza = event.stanza.append(stanzaIdElement({ id, by: event.to.bare }))
    return unlessBehind(stored)
  }

  /** Stores the message. */
  function append(event: StanzaEvent, owner: Jid, peer: Jid): Appended {
    const { stanza } = event
    const node = owner.node ?? ''
    const when = new Date(host.clock.now())
    const appended = messages.append(node, { when, with: peer.full, stanza: stanza.toString() })
    event.settles(appended.stored)
    writes.watch(node, appended.stored)
    reader.added(node)
    const replaced = tombstones.leave({ owner, peer, stanza, id: appended.id })
    if (replaced !== undefined) event.settles(replaced)
    return appended
  }

  /** The message goes on at once, but nobody sends faster than the storage can write. */
  function unlessBehind(stored: Promise<void>): Maybe<undefined> {
    return writes.isBehind ? stored.then(nothing, nothing) : undefined
  }
}

/** A message that could not be stored is delivered all the same. */
function nothing(): undefined {}

/** Whether a message belongs in the archive of an account (§6.1.1). */
function isKept(stanza: Stanza): boolean {
  const { type } = stanza
  // What is said in a room is in the archive of the room; an error tells of a message that is archived.
  if (type === 'groupchat' || type === 'error') return false
  if (type === 'headline' && !hasHint(stanza, 'store')) return false
  return isWorthKeeping(stanza)
}
