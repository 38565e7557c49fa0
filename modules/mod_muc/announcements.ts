/**
 * HOT. XEP-0045 §7.2.2: presence of occupants, as each of the others may see it.
 *
 * There are three ways to see somebody: with real addresses (moderators, or
 * everybody), without, and oneself. A change is written once for each.
 */
import type { Jid } from '../../server/jid/jid.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { Broadcast } from '../../server/xml/broadcast.ts'
import { presence } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import { inSlices } from '../../server/util/slices.ts'
import { versionElement, type VersionStep } from './features/affiliation-versions.ts'
import { isShown } from './features/presence-broadcast.ts'
import { permittedPresence } from './features/visitors.ts'
import { seesJids } from './features/whois.ts'
import type { Occupant, OccupantSession, Views } from './occupant.ts'
import type { Role } from './privileges.ts'
import type { Room } from './room.ts'

/** Who has brought something about. */
export interface Actor {
  /** The full, real address. */
  readonly jid: Jid
  /** Undefined for somebody who is not in the room. */
  readonly nick: string | undefined
}

/** What is told along with the presence of an occupant. */
export interface News {
  /** Status codes for everybody (§16.6). */
  readonly statuses?: readonly number[]
  readonly actor?: Actor | undefined
  readonly reason?: string | undefined
  /** The nickname from now on (§7.6). */
  readonly nick?: string
  /** Which change of affiliations this is, for those who keep a list (XEP-0463 §5.2.2). */
  readonly versions?: Partial<VersionStep> | undefined
  /** What else the muc#user element holds: `<destroy/>` (§10.9). */
  readonly extra?: Element | undefined
  /** Of the presence that caused it, for whoever sent that. */
  readonly id?: string | undefined
}

/** How someone is seen. */
interface View {
  readonly of: 'jids' | 'plain' | 'self'
  /** By somebody who keeps a list of affiliations, and learns of a change. */
  readonly isTracked: boolean
}

/** What is shown of an occupant. */
interface Picture {
  readonly occupant: Occupant
  /** What the occupant says. */
  readonly presence: Stanza
  readonly role: Role
  readonly type: 'unavailable' | undefined
  /** The clients whose addresses are shown to those who may see them. */
  readonly sessions: Iterable<OccupantSession>
  readonly news: News
}

/** Nothing but the presence itself; only this is written once and kept. */
export const NO_NEWS: News = {}

/** Shows an occupant to all who may see it, and to itself; but not to the client `except`. */
export function appear(room: Room, occupant: Occupant, news: News = NO_NEWS, except?: OccupantSession): Maybe<void> {
  const picture = pictureOf(occupant, news)
  if (picture === undefined) return undefined
  const views = news === NO_NEWS ? occupant.views : {}
  const { sessions } = isShown(room, occupant.role) ? room : occupant
  return inSlices(sessions.values(), (session) => {
    if (session === except) return
    if (session.occupant === occupant) showSelf(room, session, news)
    else show(room, picture, session, views)
  })
}

/** Shows an occupant to another, even if its role is not shown to everybody. */
export function appearTo(room: Room, occupant: Occupant, session: OccupantSession): void {
  const known = occupant.views[seesJids(room, session.occupant) ? 'jids' : 'plain']
  if (known !== undefined) return sendTo(room, session, known.for(session.jid.full), occupant)
  const picture = pictureOf(occupant, NO_NEWS)
  if (picture !== undefined) show(room, picture, session, occupant.views)
}

/** Tells a client how it is seen itself; `warnings` are status codes for it alone. */
export function showSelf(room: Room, session: OccupantSession, news: News, warnings: readonly number[] = []): void {
  const picture = pictureOf(session.occupant, news)
  if (picture === undefined) return
  const told = { ...picture, news: { ...news, statuses: [...warnings, ...(news.statuses ?? [])] } }
  const self = render(room, told, { of: 'self', isTracked: session.tracksAffiliations })
  sendTo(room, session, self.with({ to: session.jid.full, id: news.id }), session.occupant)
}

/** Shows everybody, except for itself, to a client (§7.2.2). */
export function showOthers(room: Room, session: OccupantSession): Maybe<void> {
  return inSlices(room.occupants.values(), (occupant) => {
    if (occupant !== session.occupant && isShown(room, occupant.role)) appearTo(room, occupant, session)
  })
}

/** Tells all others that an occupant is not there, while it is: its role is not shown any more. */
export function conceal(room: Room, occupant: Occupant): Maybe<void> {
  const picture = leaving(occupant, NO_NEWS)
  const views = {}
  return inSlices(room.sessions.values(), (session) => {
    if (session.occupant !== occupant) show(room, picture, session, views)
  })
}

/**
 * Tells everybody, and all its clients, that an occupant is no more. `parting`
 * is what it says itself. It must still be in the room.
 */
export function vanish(room: Room, occupant: Occupant, news: News, parting?: Stanza): Maybe<void> {
  const picture = leaving(occupant, news, parting)
  const views = {}
  const { sessions } = isShown(room, occupant.role) ? room : occupant
  return inSlices(sessions.values(), (session) => {
    if (session.occupant === occupant) vanishTo(room, session, news, parting)
    else show(room, picture, session, views)
  })
}

/** Tells a client that it has left under this nickname, whatever becomes of the others under it. */
export function vanishTo(room: Room, session: OccupantSession, news: News, parting?: Stanza): void {
  const picture = { ...leaving(session.occupant, news, parting), sessions: [session] }
  const self = render(room, picture, { of: 'self', isTracked: session.tracksAffiliations })
  sendTo(room, session, self.with({ to: session.jid.full, id: news.id }), session.occupant)
}

function show(room: Room, picture: Picture, to: OccupantSession, views: Views): void {
  const of = seesJids(room, to.occupant) ? 'jids' : 'plain'
  const isTracked = of === 'jids' && to.tracksAffiliations && picture.news.versions !== undefined
  const broadcast = (views[isTracked ? 'tracked' : of] ??= new Broadcast(render(room, picture, { of, isTracked })))
  sendTo(room, to, broadcast.for(to.jid.full), picture.occupant)
}

function sendTo(room: Room, { jid }: OccupantSession, stanza: Stanza, from: Occupant): void {
  room.send(jid, stanza, from.jid)
}

function pictureOf(occupant: Occupant, news: News): Picture | undefined {
  const { main, role, sessions } = occupant
  return (
    main && { occupant, presence: main.presence, role, type: undefined, sessions: sessions.values().toArray(), news }
  )
}

function leaving(occupant: Occupant, news: News, parting = presence({})): Picture {
  // Whoever only changes the nickname goes on to have a role (§7.6).
  const role = news.nick === undefined ? 'none' : occupant.role
  return {
    occupant,
    presence: parting,
    role,
    type: 'unavailable',
    sessions: occupant.sessions.values().toArray(),
    news,
  }
}

function render(room: Room, picture: Picture, view: View): Stanza {
  const { occupant, presence: said, type } = picture
  const head = { from: occupant.jid.full, to: undefined, id: undefined, type }
  const stanza = permittedPresence(room, occupant.role, said).with(head)
  const shown = { room, occupant, stanza }
  room.service.host.fire('muc/show-occupant', shown)
  return shown.stanza.append(
    userElement(room, picture, view),
    xml('occupant-id', { xmlns: NS.occupantId, id: occupant.id }),
  )
}

function userElement(room: Room, { occupant, role, sessions, news }: Picture, view: View): Element {
  const { statuses = [], actor, reason, nick, extra, versions } = news
  const affiliation = room.affiliationOf(occupant)
  const jids = view.of === 'plain' ? [undefined] : [...sessions].map(({ jid }) => jid.full)
  const items = jids.map((jid) =>
    xml(
      'item',
      { affiliation, role, jid, nick },
      actorElement(actor, view),
      reason !== undefined && xml('reason', {}, reason),
    ),
  )
  const codes = view.of === 'self' ? [110] : []
  return xml(
    'x',
    { xmlns: NS.mucUser },
    view.isTracked && versions !== undefined && versionElement(versions),
    ...statuses.map(statusElement),
    extra,
    ...items,
    ...codes.map(statusElement),
  )
}

/** The address of whoever acts is not told to whom it happens (§8.2 leaves it open). */
function actorElement(actor: Actor | undefined, view: View): Element | undefined {
  if (actor === undefined) return undefined
  const jid = view.of === 'jids' ? actor.jid.full : undefined
  return jid === undefined && actor.nick === undefined ? undefined : xml('actor', { jid, nick: actor.nick })
}

export function statusElement(code: number): Element {
  return xml('status', { code: String(code) })
}
