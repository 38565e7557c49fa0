/** XEP-0045 §9.9: people ask to become members, and admins agree. */
import type { Jid } from '../../server/jid/jid.ts'
import { defineForm, renderForm } from '../../server/protocol/data-form.ts'
import { type RawForm, readForm, valueIn } from '../../server/protocol/raw-form.ts'
import { parseBoolean } from '../../server/protocol/xsd.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { message } from '../../server/xml/build.ts'
import { NS } from '../../server/xml/ns.ts'
import { changeAffiliations } from './affiliation-changes.ts'
import { FORM_REGISTER } from './namespaces.ts'
import { isTaken } from './nicknames.ts'
import type { RoomValue } from './options.ts'
import { isAtLeast } from './privileges.ts'
import type { Room } from './room.ts'

/** Somebody has asked, and nobody has answered yet. */
interface Application {
  readonly bare: string
  readonly nick: string
}

const applications: RoomValue<readonly Application[]> = { key: 'applications', initial: [] }

/** Further ones are refused until admins have answered some. */
const MOST_APPLICATIONS = 100

const approval = defineForm({
  type: FORM_REGISTER,
  title: 'Registration request',
  instructions: 'To make this person a member of the room, tick the box and submit the form.',
  fields: [
    { type: 'text-single', var: 'muc#register_roomnick', label: 'Desired Nickname' },
    { type: 'jid-single', var: 'muc#jid', label: 'User' },
    { type: 'boolean', var: 'muc#register_allow', label: 'Allow this person to register with the room?' },
  ],
})

/** Notes that somebody wants to be a member under that nickname, and asks the admins. Rejects with a StanzaError. */
export async function applyForMembership(room: Room, { from }: StanzaEvent, nick: string): Promise<void> {
  room.service.doors.check(room, from)
  const others = room.get(applications).filter(({ bare }) => bare !== from.bare)
  if (others.some((other) => other.nick === nick))
    throw new StanzaError('conflict', 'Somebody has asked for it already')
  if (others.length >= MOST_APPLICATIONS)
    throw new StanzaError('resource-constraint', 'Too many people have asked already')
  await room.setValues(new Map([[applications.key, [...others, { bare: from.bare, nick }]]]))
  const values = { 'muc#register_roomnick': nick, 'muc#jid': from.toBare(), 'muc#register_allow': false } as const
  const request = message({ from: room.jid.full }, renderForm(approval, values))
  for (const admin of adminsOf(room)) room.forward(admin, request)
}

/** The form in a message to the room with which an admin answers; undefined if there is none. */
export function approvalFormIn({ stanza }: StanzaEvent): RawForm | undefined {
  const x = stanza.child('x', NS.dataForms)
  const form = x === undefined || x.attrs['type'] !== 'submit' ? undefined : readForm(x)
  return form?.formType === FORM_REGISTER ? form : undefined
}

/** Takes the answer of an admin, who need not be in the room. Rejects with a StanzaError. */
export async function takeApproval(room: Room, { from }: StanzaEvent, form: RawForm): Promise<void> {
  if (!isAtLeast(room.affiliates.of(from), 'admin'))
    throw new StanzaError('forbidden', 'Only admins and owners may make members')
  const nick = valueIn(form, 'muc#register_roomnick')
  const all = room.get(applications)
  const application = all.find((each) => each.nick === nick)
  if (application === undefined) throw new StanzaError('item-not-found', 'Nobody has asked for that nickname')
  const values = new Map([[applications.key, all.filter((each) => each !== application)]])
  const jid = room.service.host.parseJid(application.bare)
  const isAllowed = parseBoolean(valueIn(form, 'muc#register_allow') ?? '') === true
  // Meanwhile they may have become something without being asked.
  if (!isAllowed || room.affiliates.of(jid) !== 'none') return room.setValues(values)
  if (isTaken(room, application.nick, jid)) throw new StanzaError('conflict', 'This nickname is taken meanwhile')
  const actor = { jid: from, nick: room.sessions.get(from.full)?.occupant.nick }
  const change = { jid, affiliation: 'member', nick: application.nick, reason: undefined } as const
  await changeAffiliations(room, [change], { actor, tells: true, values })
}

/** The clients of admins in the room, and the addresses of those who are elsewhere. */
function* adminsOf(room: Room): Iterable<Jid> {
  const present = new Set<string>()
  for (const { jid } of room.sessions.values()) {
    if (!isAtLeast(room.affiliates.of(jid), 'admin')) continue
    present.add(jid.bare)
    yield jid
  }
  for (const [bare, { affiliation }] of room.affiliates.entries()) {
    if (isAtLeast(affiliation, 'admin') && !present.has(bare)) yield room.service.host.parseJid(bare)
  }
}
