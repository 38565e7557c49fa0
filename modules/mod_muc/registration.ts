/** XEP-0045 §7.10, XEP-0077: registering with a room, and so reserving a nickname. */
import { formIn } from '../../server/protocol/raw-form.ts'
import { defineForm, readSubmission, renderForm } from '../../server/protocol/data-form.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { changeAffiliations } from './affiliation-changes.ts'
import { FORM_REGISTER } from './namespaces.ts'
import { isTaken, parseNick } from './nicknames.ts'
import type { Affiliation } from './privileges.ts'
import { remove } from './removal.ts'
import type { RoomRequest } from './requests.ts'
import type { Room } from './room.ts'

const form = defineForm({
  type: FORM_REGISTER,
  fields: [{ type: 'text-single', var: 'muc#register_roomnick', name: 'nick', label: 'Nickname', required: true }],
})

/** The nickname one has registered, or the form for it. */
export function readRegistration(room: Room, request: RoomRequest): Element {
  requireLeave(room, request)
  const nick = room.affiliates.get(request.from.bare)?.nick
  if (nick === undefined) return xml('query', { xmlns: NS.register }, renderForm(form))
  return xml('query', { xmlns: NS.register }, xml('registered', {}), xml('username', {}, nick))
}

/** A filled-in form, or the wish to be registered no longer. */
export function changeRegistration(room: Room, request: RoomRequest): Promise<void> {
  const affiliation = requireLeave(room, request)
  if (request.payload.child('remove') !== undefined) return unregister(room, request, affiliation)
  return register(room, request, affiliation)
}

async function register(room: Room, { from, payload }: RoomRequest, affiliation: Affiliation): Promise<void> {
  const submission = readSubmission(form, formIn(payload))
  if (submission === 'cancel') return
  const nick = parseNick(room, submission.values.nick ?? '', 'bad-request')
  if (isTaken(room, nick, from)) throw new StanzaError('conflict', 'This nickname is taken')
  if (room.affiliates.get(from.bare)?.nick === nick) return
  const jid = from.toBare()
  const reason = room.affiliates.get(jid.bare)?.reason
  const next = affiliation === 'none' ? 'member' : affiliation
  if (room.service.config.enforce_registered_nickname) await leaveOtherNicks(room, jid.bare, nick)
  await changeAffiliations(room, [{ jid, affiliation: next, nick, reason }], { tells: false })
}

/** Members lose their membership with their nickname; admins and owners remain what they are. */
async function unregister(room: Room, { from }: RoomRequest, affiliation: Affiliation): Promise<void> {
  const jid = from.toBare()
  if (room.affiliates.get(jid.bare) === undefined) return
  const next = affiliation === 'member' ? 'none' : affiliation
  await changeAffiliations(room, [{ jid, affiliation: next, nick: undefined, reason: undefined }], { tells: false })
}

async function leaveOtherNicks(room: Room, bare: string, nick: string): Promise<void> {
  for (const occupant of room.occupantsOf(bare)) {
    if (occupant.nick !== nick)
      await remove(room, occupant, { statuses: [307], reason: `Your nickname here is ${nick}` })
  }
}

/** Who may register, by their affiliation. Throws a StanzaError. */
function requireLeave(room: Room, { from }: StanzaEvent): Affiliation {
  const affiliation = room.affiliates.of(from)
  if (affiliation === 'outcast') throw new StanzaError('forbidden', 'You are banned from this room')
  const isOpen = room.service.config.allow_unaffiliated_register && room.roleFor('none') !== undefined
  if (affiliation === 'none' && !isOpen)
    throw new StanzaError('registration-required', 'Ask an admin of this room for membership')
  return affiliation
}
