/** XEP-0045 §9, §10.3–§10.8: what follows when affiliations change. */
import type { Jid } from '../../server/jid/jid.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Affiliate } from './affiliates.ts'
import { type Made, tellOfAbsent, tellTrackers } from './affiliation-news.ts'
import type { Actor, News } from './announcements.ts'
import { affiliationLog, versionName, type VersionStep } from './features/affiliation-versions.ts'
import { isShown } from './features/presence-broadcast.ts'
import type { Occupant } from './occupant.ts'
import { type Affiliation, higherRole, isAtLeast } from './privileges.ts'
import { remove } from './removal.ts'
import { changeRole } from './roles.ts'
import type { Room } from './room.ts'

/** Somebody, or a whole domain, is given another affiliation, or a nickname of their own. */
export interface AffiliationChange {
  /** A bare JID or a domain. */
  readonly jid: Jid
  readonly affiliation: Affiliation
  /** Reserved for them from now on; undefined for none. */
  readonly nick: string | undefined
  readonly reason: string | undefined
}

export interface Circumstances {
  /** Who has made the change, unless those it is about have, or the service has. */
  readonly actor?: Actor
  /** Those it is about are told: they have not asked for it. */
  readonly tells: boolean
  /** Values of the room that change with it. */
  readonly values?: ReadonlyMap<string, unknown>
}

/**
 * Stores all of the changes or none, and then tells everybody. Whether they are allowed has been checked; rejects with a
 * StanzaError if the room could not be like that.
 */
export async function changeAffiliations(
  room: Room,
  changes: readonly AffiliationChange[],
  circumstances: Circumstances,
): Promise<void> {
  const { host } = room.service
  checkTogether(room, changes)
  const made = withVersions(room, changes)
  const affiliates = new Map(changes.map((change) => [change.jid.bare, affiliateOf(change)]))
  await room.store({ affiliates, values: circumstances.values })
  for (const change of made) {
    await tell(room, change, circumstances)
    const { jid, affiliation, before, reason } = change
    host.announce('muc/affiliated', { room, bare: jid.bare })
    if (affiliation === before) continue
    const by = circumstances.actor?.jid ?? (circumstances.tells ? undefined : jid)
    const act = { kind: 'affiliation', whom: jid, before, after: affiliation } as const
    host.announce('muc/administered', { room, by, act, reason })
  }
}

/** Each change of an affiliation leads to the next version (XEP-0463); that of a nickname alone does not. */
function withVersions(room: Room, changes: readonly AffiliationChange[]): readonly Made[] {
  let { version } = room.get(affiliationLog)
  return changes.map((change) => {
    const before = room.affiliates.of(change.jid)
    if (room.affiliates.own(change.jid.bare) === change.affiliation) return { ...change, before, versions: undefined }
    const versions = { since: versionName(room, version), until: versionName(room, version + 1) }
    version++
    return { ...change, before, versions }
  })
}

/** What only shows when changes are seen together. Throws a StanzaError. */
export function checkTogether(room: Room, changes: readonly AffiliationChange[]): void {
  const after = new Map(
    changes.map(({ jid, affiliation }) => [jid.bare, affiliation === 'none' ? undefined : { affiliation }]),
  )
  if (changes.length > 0 && !room.affiliates.wouldHaveOwner(after)) {
    throw new StanzaError('conflict', 'A room must have an owner')
  }
  const nicks = changes.flatMap(({ nick, affiliation }) =>
    nick !== undefined && isAtLeast(affiliation, 'member') ? nick : [],
  )
  if (new Set(nicks).size < nicks.length)
    throw new StanzaError('conflict', 'A nickname can be reserved for one person only')
  const { people, banned } = room.affiliates.counts
  requireSpace(room, people, changes, (affiliation) => isAtLeast(affiliation, 'member'))
  // Whoever fills the list of members does not keep anybody from being banned.
  requireSpace(room, banned, changes, (affiliation) => affiliation === 'outcast')
}

function requireSpace(
  room: Room,
  count: number,
  changes: readonly AffiliationChange[],
  isListed: (affiliation: Affiliation) => boolean,
): void {
  const more = changes.reduce((sum, { jid, affiliation }) => {
    return sum + Number(isListed(affiliation)) - Number(isListed(room.affiliates.own(jid.bare)))
  }, 0)
  if (more > 0 && count + more > room.service.config.max_affiliations)
    throw new StanzaError('resource-constraint', 'The list is full')
}

/** Tells everybody who may know, once, to which version this leads (XEP-0463). */
async function tell(room: Room, change: Made, circumstances: Circumstances): Promise<void> {
  await evictFromNick(room, change)
  const occupants = concerned(room, change)
  if (occupants.length === 0) return tellOfAbsent(room, change, circumstances)
  // What is known of a domain is not what is known of those in it.
  const isPerson = change.jid.node !== undefined
  let isTold = false
  for (const occupant of occupants) {
    const versions: VersionStep | undefined = isPerson && !isTold ? change.versions : undefined
    isTold = (await follow(room, occupant, { ...change, versions }, circumstances.actor)) || isTold
  }
  if (!isPerson || !isTold) await tellTrackers(room, change, isPerson ? occupants : [])
}

function affiliateOf({ affiliation, nick, reason }: AffiliationChange): Affiliate | undefined {
  if (affiliation === 'none') return undefined
  // Outcasts have no nicknames (§9.1).
  return { affiliation, nick: affiliation === 'outcast' ? undefined : nick, reason }
}

/** A nickname that is reserved for somebody else cannot be kept (§7.2.8). */
async function evictFromNick(room: Room, { jid }: AffiliationChange): Promise<void> {
  const nick = room.affiliates.get(jid.bare)?.nick
  const occupant = nick === undefined ? undefined : room.occupants.get(nick)
  if (occupant === undefined || occupant.bare.bare === jid.bare) return
  await remove(room, occupant, { statuses: [307], reason: 'This nickname is reserved' })
}

/** The occupants a change is about: a person, or those of a domain of whom nothing else is known. */
function concerned(room: Room, { jid }: AffiliationChange): readonly Occupant[] {
  if (jid.node !== undefined) return room.occupantsOf(jid.bare)
  return [...room.occupants.values()].filter(
    ({ bare }) => bare.domain === jid.domain && room.affiliates.get(bare.bare) === undefined,
  )
}

/** Gives an occupant the role that follows; true if the others have heard of it. */
async function follow(
  room: Room,
  occupant: Occupant,
  { reason, before, versions }: Made,
  actor: Actor | undefined,
): Promise<boolean> {
  occupant.refresh()
  const affiliation = room.affiliationOf(occupant)
  const news: News = { actor, reason, versions }
  const role = room.roleFor(affiliation)
  if (role === undefined) {
    await remove(room, occupant, { ...news, statuses: [affiliation === 'outcast' ? 301 : 321] })
    return isShown(room, occupant.role)
  }
  // Whoever rises keeps what they have beyond it (§5.1.3).
  const risen = isAtLeast(affiliation, before) ? higherRole(role, occupant.role) : role
  const next = affiliation === before ? occupant.role : risen
  await changeRole(room, { occupant, role: next }, news)
  return isShown(room, next)
}
