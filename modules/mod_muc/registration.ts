/** XEP-0045 §7.10, §9.9, XEP-0077: registering with a room, and so reserving a nickname. */
import type { FieldValue, ValueField } from '../../server/protocol/form-field.ts'
import { defineForm, type Form, readSubmission, renderForm } from '../../server/protocol/data-form.ts'
import { formIn } from '../../server/protocol/raw-form.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { changeAffiliations } from './affiliation-changes.ts'
import { applyForMembership } from './applications.ts'
import { policyOf } from './features/registration-policy.ts'
import { FORM_REGISTER } from './namespaces.ts'
import { isTaken, parseNick } from './nicknames.ts'
import type { Affiliation } from './privileges.ts'
import { remove } from './removal.ts'
import type { RoomRequest } from './requests.ts'
import type { Room } from './room.ts'

declare module '../../server/host/provisions.ts' {
  interface Provisions {
    /** What those who register can set besides their nickname. */
    'room-registration-field': RegistrationField
  }
}

export interface RegistrationField {
  readonly field: ValueField
  /** What somebody has set; `bare` is their bare JID. */
  value(room: Room, bare: string): Maybe<FieldValue | undefined>
  set(room: Room, bare: string, value: FieldValue): Maybe<void>
}

const NICK_FIELD = {
  type: 'text-single',
  var: 'muc#register_roomnick',
  name: 'nick',
  label: 'Nickname',
  required: true,
} as const
const form = defineForm({ type: FORM_REGISTER, fields: [NICK_FIELD] })

/** The nickname one has registered, or the form for it. */
export async function readRegistration(room: Room, request: RoomRequest): Promise<Element> {
  requireLeave(room, request)
  const { bare } = request.from
  const nick = room.affiliates.get(bare)?.nick
  if (nick === undefined) return xml('query', { xmlns: NS.register }, renderForm(form))
  const registered = [xml('registered', {}), xml('username', {}, nick)]
  const { host, config } = room.service
  const extras = config.registration_includes_form ? [...host.items('room-registration-field')] : []
  if (extras.length === 0) return xml('query', { xmlns: NS.register }, ...registered)
  const values: Record<string, FieldValue> = { nick }
  for (const extra of extras) {
    const known = await extra.value(room, bare)
    if (known !== undefined) values[extra.field.var] = known
  }
  const whole: Form = { type: FORM_REGISTER, fields: [NICK_FIELD, ...extras.map(({ field }) => field)] }
  return xml('query', { xmlns: NS.register }, ...registered, renderForm(whole, values))
}

/** A filled-in form, or the wish to be registered no longer. */
export function changeRegistration(room: Room, request: RoomRequest): Promise<void> {
  const affiliation = requireLeave(room, request)
  if (request.payload.child('remove') !== undefined) return unregister(room, request, affiliation)
  return register(room, request, affiliation)
}

async function register(room: Room, request: RoomRequest, affiliation: Affiliation): Promise<void> {
  const { from, payload } = request
  const x = formIn(payload)
  const submission = readSubmission(form, x)
  if (submission === 'cancel') return
  const nick = parseNick(room, submission.values.nick ?? '', 'bad-request')
  const extras = readExtras(room, x)
  if (isTaken(room, nick, from)) throw new StanzaError('conflict', 'This nickname is taken')
  if (affiliation === 'none' && policyOf(room) === 'approval') return applyForMembership(room, request, nick)
  await reserve(room, request, affiliation, nick)
  for (const { extra, value } of extras) await extra.set(room, from.bare, value)
}

async function reserve(room: Room, { from }: RoomRequest, affiliation: Affiliation, nick: string): Promise<void> {
  if (room.affiliates.get(from.bare)?.nick === nick) return
  const jid = from.toBare()
  const reason = room.affiliates.get(jid.bare)?.reason
  const next = affiliation === 'none' ? 'member' : affiliation
  if (room.service.config.enforce_registered_nickname) await leaveOtherNicks(room, jid.bare, nick)
  await changeAffiliations(room, [{ jid, affiliation: next, nick, reason }], { tells: false })
}

/** What is set besides the nickname. Throws a StanzaError if that cannot be. */
function readExtras(room: Room, x: Element | undefined) {
  const extras = [...room.service.host.items('room-registration-field')]
  const submission = readSubmission({ type: FORM_REGISTER, fields: extras.map(({ field }) => field) }, x)
  if (submission === 'cancel') return []
  return extras.flatMap((extra) => {
    const value = submission.values[extra.field.var]
    return value === undefined ? [] : { extra, value }
  })
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
  // Whoever must ask for membership cannot be a member yet.
  const mayApply = { closed: false, approval: true, open: room.roleFor('none') !== undefined }[policyOf(room)]
  if (affiliation === 'none' && !mayApply)
    throw new StanzaError('registration-required', 'Ask an admin of this room for membership')
  return affiliation
}
