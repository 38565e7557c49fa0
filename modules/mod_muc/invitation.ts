/** XEP-0045 §7.8.2: an invitation, as the room sends it. */
import type { Jid } from '../../server/jid/jid.ts'
import { message } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import { passwordOf } from './features/password.ts'
import type { Room } from './room.ts'

export interface Invitation {
  /** Who invites: the address of a person, of an occupant, or of the room. */
  readonly from: string
  readonly reason?: string | undefined
  /** `<continue/>`: the room goes on with a conversation of two (§7.9). */
  readonly goesOn?: Element | undefined
}

/** The message that invites somebody, with the password if there is one, and in the old form for old clients. */
export function invitationOf(room: Room, to: Jid, { from, reason, goesOn }: Invitation): Stanza {
  const secret = passwordOf(room)
  return message(
    { from: room.jid.full, to: to.full },
    xml(
      'x',
      { xmlns: NS.mucUser },
      xml('invite', { from }, reason !== undefined && xml('reason', {}, reason), goesOn),
      secret !== undefined && xml('password', {}, secret),
    ),
    xml('x', { xmlns: NS.invitation, jid: room.jid.full, password: secret }, reason),
  )
}

/** What clients show that know nothing of invitations. */
export function invitationText(room: Room, from: string, reason: string | undefined): Element {
  const because = reason === undefined ? '' : ` (${reason})`
  return xml('body', {}, `${from} invited you to the room ${room.jid.full}${because}`)
}
