/** XEP-0045 §7.8.2: invitations that go through the room, and answers to them. */
import { type Jid, JidError } from '../../server/jid/jid.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { message } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { changeAffiliations } from './affiliation-changes.ts'
import { memberInvites } from './features/invites.ts'
import { isMembersOnly } from './features/kinds.ts'
import { isNonAnonymous } from './features/whois.ts'
import { type Invitation, invitationOf, invitationText } from './invitation.ts'
import type { OccupantSession } from './occupant.ts'
import { isAtLeast, isRoleAtLeast } from './privileges.ts'
import { type Refusal, refuseIfAny } from './refusals.ts'
import type { Room } from './room.ts'

/** Somebody wants to invite others. */
interface InviteAct {
  readonly room: Room
  readonly from: Jid
  readonly session: OccupantSession | undefined
}

const inviteRefusals: readonly Refusal<InviteAct>[] = [
  {
    condition: 'not-acceptable',
    type: 'cancel', // §7.8.2: one invites to a room in which one is; members may be elsewhere.
    text: 'You are not currently connected to this chat',
    applies: ({ room, from, session }) => session === undefined && !isAtLeast(room.affiliates.of(from), 'member'),
  },
  {
    condition: 'forbidden', // §5.1.1
    text: 'Visitors cannot invite others',
    applies: ({ session }) => session !== undefined && !isRoleAtLeast(session.occupant.role, 'participant'),
  },
  {
    condition: 'forbidden', // §9.5
    text: 'Only admins may invite others to this room',
    applies: ({ room, from }) =>
      room.get(isMembersOnly) && !room.get(memberInvites) && !isAtLeast(room.affiliates.of(from), 'admin'),
  },
]

/** What somebody wants of others outside the room. */
interface Wishes {
  readonly invites: readonly Element[]
  /** `<decline/>`: they will not come. */
  readonly refusal: Element | undefined
}

/** The wishes in a message to the room; undefined if there are none. */
export function wishesIn({ stanza }: StanzaEvent): Wishes | undefined {
  const x = stanza.child('x', NS.mucUser)
  const invites = x?.elements.filter(({ name, ns }) => name === 'invite' && ns === NS.mucUser) ?? []
  const refusal = x?.child('decline')
  return invites.length === 0 && refusal === undefined ? undefined : { invites, refusal }
}

/** Invites all who are named, or nobody and throws a StanzaError. */
export async function invite(room: Room, { stanza, from }: StanzaEvent, invites: readonly Element[]): Promise<void> {
  const session = room.sessions.get(from.full)
  refuseIfAny(inviteRefusals, { room, from, session })
  room.service.doors.check(room, from)
  if (invites.length > room.service.config.max_invitations)
    throw new StanzaError('policy-violation', 'Too many at once')
  const invitees = invites.map((element) => ({ jid: addressOf(room, element), element }))
  if (invitees.some(({ jid }) => room.affiliates.of(jid) === 'outcast')) {
    throw new StanzaError('not-allowed', 'Someone whom you invite is banned from this room')
  }
  if (room.get(isMembersOnly)) await admit(room, from, invitees)

  const inviter = inviterOf(room, from, session)
  for (const { jid, element } of invitees) {
    const invitation: Invitation = {
      from: inviter,
      reason: element.child('reason')?.getText() || undefined,
      goesOn: element.child('continue'),
    }
    const body = stanza.child('body') ?? invitationText(room, inviter, invitation.reason)
    room.forward(jid, invitationOf(room, jid, invitation).with({ id: stanza.id, lang: stanza.lang }).append(body))
  }
}

/** Tells whoever has invited somebody that they will not come. Throws a StanzaError if that cannot be read. */
export function passOnRefusal(room: Room, { from }: StanzaEvent, element: Element): void {
  const to = addressOf(room, element)
  room.service.doors.check(room, from)
  const occupant = to.bare === room.jid.bare ? room.occupants.get(to.resource ?? '') : undefined
  // Strangers get no mail in the name of the room.
  const belongs = occupant !== undefined || room.isPresent(to.bare) || isAtLeast(room.affiliates.of(to), 'member')
  // And they do not learn who is here.
  if (!belongs) return
  const reason = element.child('reason')?.getText() || undefined
  const told = xml('decline', { from: from.bare }, reason !== undefined && xml('reason', {}, reason))
  const stanza = message({ from: room.jid.full }, xml('x', { xmlns: NS.mucUser }, told))
  const addresses = occupant === undefined ? [to] : [...occupant.sessions.values()].map(({ jid }) => jid)
  for (const address of addresses) room.forward(address, stanza)
}

/** Whoever is invited to a room for members becomes one (§7.8.2). */
async function admit(room: Room, inviter: Jid, invitees: readonly { readonly jid: Jid }[]): Promise<void> {
  const strangers = new Map<string, Jid>()
  for (const { jid } of invitees) if (room.affiliates.of(jid) === 'none') strangers.set(jid.bare, jid.toBare())
  const reason = `Invited by ${inviter.full}`
  const changes = [...strangers.values()].map(
    (jid) => ({ jid, affiliation: 'member', nick: undefined, reason }) as const,
  )
  if (changes.length > 0) await changeAffiliations(room, changes, { tells: false })
}

/** Those inside are known by their nicknames, unless everybody knows everybody (§7.8.2). */
function inviterOf(room: Room, from: Jid, session: OccupantSession | undefined): string {
  if (isNonAnonymous(room)) return from.full
  return session?.occupant.jid.full ?? from.bare
}

function addressOf(room: Room, { attrs }: Element): Jid {
  const { to } = attrs
  if (to === undefined) throw new StanzaError('bad-request', 'To whom?')
  try {
    return room.service.host.parseJid(to)
  } catch (error) {
    if (!(error instanceof JidError)) throw error
    throw new StanzaError('jid-malformed', `${to} is no address`, { cause: error })
  }
}
