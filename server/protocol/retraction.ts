/** XEP-0424: Message Retraction. What is left in an archive of a message that its sender has taken back. */
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'
import { type ChildRef, Stanza } from '../xml/stanza.ts'
import type { ArchiveItem, ArchiveStore, Owner } from '../../storage/store.ts'
import { formatDateTime } from './date-time.ts'

/** Archives with this feature replace what was retracted (§4). */
export const NS_TOMBSTONE = `${NS.retract}#tombstone`

/** The id of the message that a message retracts, if it does: the sender's in a conversation, the room's in a room (§5.1). */
export function retractedId(stanza: Stanza): string | undefined {
  if (stanza.has('retract', NS.retract)) return stanza.child('retract', NS.retract)?.attrs['id']
  // COMPAT(clients with the first version of the XEP, until 2028)
  const applied = stanza.has('apply-to', NS_FASTEN) ? stanza.child('apply-to', NS_FASTEN) : undefined
  return applied?.child('retract', NS_FIRST) === undefined ? undefined : applied.attrs['id']
}

/** Which message has retracted another, and when. */
export interface Retraction {
  /** The id of the message that retracts. */
  readonly id: string
  readonly at: Date
  /** Who did it, if not the sender: a moderator's room (XEP-0425). */
  readonly by?: string | undefined
  /** What else is to be said of it. */
  readonly details?: readonly Element[]
}

/** A message without anything that it said (§4). */
export function tombstoneOf(stanza: Stanza, { id, at, by, details = [] }: Retraction): Stanza {
  const retracted = xml('retracted', { xmlns: NS.retract, id, by, stamp: formatDateTime(at) }, ...details)
  return stanza.without((child) => !isFrame(child)).append(retracted)
}

/** Puts a tombstone in the place of an archived message; false if it is no longer there. */
export function bury(store: ArchiveStore, owner: Owner, item: ArchiveItem, retraction: Retraction): Promise<boolean> {
  return store.replace(owner, item.id, tombstoneOf(Stanza.parse(item.stanza), retraction).toString())
}

/** True for a child that says whose message it is and how it is called, and nothing else. */
function isFrame({ name, ns }: ChildRef): boolean {
  return ns === NS.sid || ns === NS.occupantId || (ns === NS.mucUser && name === 'x')
}

const NS_FASTEN = 'urn:xmpp:fasten:0'
const NS_FIRST = 'urn:xmpp:message-retract:0'
