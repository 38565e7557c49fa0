/** XEP-0463: clients that know who belonged to a room at some time are told only what has changed since. */
import { StanzaError } from '../../../server/stanza-error.ts'
import { inSlices } from '../../../server/util/slices.ts'
import { message } from '../../../server/xml/build.ts'
import { type Element, xml } from '../../../server/xml/element.ts'
import { NS } from '../../../server/xml/ns.ts'
import type { Stanza } from '../../../server/xml/stanza.ts'
import { NS_AFFILIATIONS } from '../namespaces.ts'
import type { OccupantSession } from '../occupant.ts'
import type { RoomValue } from '../options.ts'
import { type Affiliation, mayReadList } from '../privileges.ts'
import type { Room } from '../room.ts'
import { isMembersOnly } from './kinds.ts'
import { isNonAnonymous } from './whois.ts'

/** The last changes of affiliations, so that somebody can be told what they have missed. */
interface AffiliationLog {
  /** Counts all changes there ever were. */
  readonly version: number
  /** The oldest first: to which version each has led, and whom it was about. */
  readonly changes: readonly (readonly [version: number, jid: string])[]
}

export const affiliationLog: RoomValue<AffiliationLog> = {
  key: 'affiliation_log',
  initial: { version: 0, changes: [] },
}

/** From which version to which one a change has led. */
export interface VersionStep {
  readonly since: string
  readonly until: string
}

const MOST_CHANGES = 200
/** Items in one message: clients refuse stanzas of megabytes. */
const ITEMS_AT_ONCE = 500

/** The log with changes of those people, one after another. */
export function logged({ version, changes }: AffiliationLog, jids: Iterable<string>): AffiliationLog {
  const more = [...jids].map((jid, index) => [version + index + 1, jid] as const)
  return { version: version + more.length, changes: [...changes, ...more].slice(-MOST_CHANGES) }
}

/** A name for a version of the affiliations of this room, and of no other that has had its name. */
export function versionName(room: Room, version = room.get(affiliationLog).version): string {
  return `${room.createdAt.toString(36)}-${version.toString(36)}`
}

/** `<mav/>`: to which versions something belongs. */
export function versionElement({
  since,
  until,
}: {
  readonly since?: string | undefined
  readonly until?: string | undefined
}): Element {
  return xml('mav', { xmlns: NS_AFFILIATIONS, since, until })
}

/** What a client asks for that enters; undefined if it does not know of versions. */
export function versionWish(presence: Stanza): { readonly since: string | undefined } | undefined {
  const mav = presence.child('x', NS.muc)?.child('mav', NS_AFFILIATIONS)
  return mav && { since: mav.attrs['since'] }
}

/** Tells a client that enters who belongs to the room, or what has changed; false if it may not know (§5.2.3). */
export async function sendAffiliations(
  room: Room,
  session: OccupantSession,
  since: string | undefined,
): Promise<boolean> {
  const actor = room.affiliates.of(session.jid)
  if (!mayKnow(room, actor)) {
    refuse(room, session)
    return false
  }
  const until = versionName(room)
  if (since === until) return true
  const missed = since === undefined ? undefined : missedSince(room, since)
  const jids = missed ?? [...room.affiliates.entries()].map(([jid]) => jid)
  let from = missed && since
  let items: Element[] = []
  const tell = (): void => {
    const x = xml('x', { xmlns: NS.mucUser }, versionElement({ since: from, until }), ...items)
    room.forward(session.jid, message({ from: room.jid.full }, x))
    from = until
    items = []
  }
  await inSlices(jids, (jid) => {
    if (items.push(itemOf(room, jid, actor)) === ITEMS_AT_ONCE) tell()
  })
  if (items.length > 0 || from !== until) tell()
  return true
}

/** Who may know the lists may know their versions. */
function mayKnow(room: Room, actor: Affiliation): boolean {
  const kind = { isNonAnonymous: isNonAnonymous(room), isMembersOnly: room.get(isMembersOnly) }
  return (['member', 'admin', 'owner'] as const).every((list) => mayReadList({ actor, list, ...kind }))
}

function refuse(room: Room, { jid }: OccupantSession): void {
  const error = new StanzaError('forbidden', 'You may not read who belongs to this room', { by: room.jid.full })
  room.forward(jid, message({ from: room.jid.full, type: 'error' }, error.toElement()))
}

/** Those of whom something has changed; undefined if nobody knows any more. */
function missedSince(room: Room, since: string): readonly string[] | undefined {
  const { version, changes } = room.get(affiliationLog)
  for (let known = version - changes.length; known < version; known++) {
    if (versionName(room, known) !== since) continue
    return [...new Set(changes.filter(([at]) => at > known).map(([, jid]) => jid))]
  }
  return undefined
}

/** Bans are for those who may change them: to others, whoever is banned is nobody. */
function itemOf(room: Room, jid: string, actor: Affiliation): Element {
  const known = room.affiliates.get(jid)
  const isHidden =
    known?.affiliation === 'outcast' &&
    !mayReadList({ actor, list: 'outcast', isNonAnonymous: false, isMembersOnly: false })
  const affiliation = known === undefined || isHidden ? 'none' : known.affiliation
  return xml('item', { jid, affiliation, nick: isHidden ? undefined : known?.nick })
}
