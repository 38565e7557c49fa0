/** XEP-0045 §9, §10.3: what is told of an affiliation that cannot be seen in presence. */
import { Broadcast } from '../../server/xml/broadcast.ts'
import { message } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { AffiliationChange, Circumstances } from './affiliation-changes.ts'
import { type Actor, statusElement } from './announcements.ts'
import { versionElement, type VersionStep } from './features/affiliation-versions.ts'
import { isMembersOnly } from './features/kinds.ts'
import { isNonAnonymous, seesJids } from './features/whois.ts'
import { invitationOf } from './invitation.ts'
import type { Occupant } from './occupant.ts'
import { type Affiliation, isAtLeast } from './privileges.ts'
import type { Room } from './room.ts'
import { inSlices } from '../../server/util/slices.ts'

/** A change that has been made. */
export interface Made extends AffiliationChange {
  readonly before: Affiliation
  /** Undefined if only a nickname has changed. */
  readonly versions: VersionStep | undefined
}

/** §10.3: occupants hear of those who are not there, as far as they may know who it is. */
export async function tellOfAbsent(room: Room, change: Made, { actor, tells }: Circumstances): Promise<void> {
  const { jid, affiliation, before, versions } = change
  const codes = before === affiliation ? [] : removalCodes(room, affiliation, before)
  const plain = noticeOf(room, change, codes)
  const tracked = versions === undefined ? plain : noticeOf(room, change, codes, versionElement(versions))
  await inSlices(room.sessions.values(), ({ jid: to, occupant, tracksAffiliations }) => {
    if (seesJids(room, occupant)) room.send(to, (tracksAffiliations ? tracked : plain).for(to.full), room.jid)
  })
  if (tells && affiliation !== before && jid.node !== undefined) room.forward(jid, personalNotice(room, change, actor))
}

/** Tells those who keep a list of what they could not see, but for those whom it is about (XEP-0463 §5.2.2). */
export async function tellTrackers(room: Room, change: Made, about: readonly Occupant[]): Promise<void> {
  const { versions } = change
  if (versions === undefined) return
  const notice = noticeOf(room, change, [], versionElement(versions))
  await inSlices(room.sessions.values(), ({ jid: to, occupant, tracksAffiliations }) => {
    if (!tracksAffiliations || !seesJids(room, occupant) || about.includes(occupant)) return
    room.send(to, notice.for(to.full), room.jid)
  })
}

function noticeOf(
  room: Room,
  { jid, affiliation, reason }: Made,
  codes: readonly number[],
  versions?: Element,
): Broadcast {
  const item = xml('item', { jid: jid.bare, affiliation }, reason !== undefined && xml('reason', {}, reason))
  const x = xml('x', { xmlns: NS.mucUser }, versions, ...codes.map(statusElement), item)
  return new Broadcast(message({ from: room.jid.full }, x))
}

function removalCodes(room: Room, affiliation: Affiliation, before: Affiliation): readonly number[] {
  if (affiliation === 'outcast') return [301]
  return isAtLeast(before, 'member') && room.roleFor(affiliation) === undefined ? [321] : []
}

/** What somebody is told who is not there: that they are invited (§9.5), or what they are now (§18.1). */
function personalNotice(room: Room, { jid, affiliation, before, reason }: Made, actor: Actor | undefined): Stanza {
  const isNew = isAtLeast(affiliation, 'member') && !isAtLeast(before, 'member')
  if (isNew && room.get(isMembersOnly)) {
    const by = actor === undefined || !isNonAnonymous(room) ? room.jid : actor.jid.toBare()
    return invitationOf(room, jid, { from: by.full, reason })
  }
  const item = xml('item', { affiliation, jid: jid.bare }, reason !== undefined && xml('reason', {}, reason))
  return message({ from: room.jid.full }, xml('x', { xmlns: NS.mucUser }, item, statusElement(101)))
}
