/** XEP-0045 §7.13, §8.6: asking for voice, and granting it. */
import { defineForm, renderForm } from '../../server/protocol/data-form.ts'
import { type RawForm, readForm, valueIn } from '../../server/protocol/raw-form.ts'
import { parseBoolean } from '../../server/protocol/xsd.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { message } from '../../server/xml/build.ts'
import { NS } from '../../server/xml/ns.ts'
import { voiceRequestInterval, voiceRequests } from './features/visitors.ts'
import { requireSession } from './messages.ts'
import { FORM_REQUEST } from './namespaces.ts'
import { grantRole } from './roles.ts'
import type { Room } from './room.ts'

const approval = defineForm({
  type: FORM_REQUEST,
  title: 'Somebody asks for voice',
  instructions: 'To grant voice, tick the box and submit the form.',
  fields: [
    { type: 'list-single', var: 'muc#role', label: 'Requested role', options: [{ value: 'participant' }] },
    { type: 'jid-single', var: 'muc#jid', label: 'User' },
    { type: 'text-single', var: 'muc#roomnick', label: 'Nickname' },
    { type: 'boolean', var: 'muc#request_allow', label: 'Grant voice to this person?' },
  ],
})

/** The form in a message to the room that is about voice; undefined if there is none. */
export function voiceFormIn({ stanza }: StanzaEvent): RawForm | undefined {
  const x = stanza.child('x', NS.dataForms)
  const form = x === undefined || x.attrs['type'] !== 'submit' ? undefined : readForm(x)
  return form?.formType === FORM_REQUEST ? form : undefined
}

/** Takes the request of a visitor, or the answer of a moderator. Throws a StanzaError. */
export async function takeVoiceForm(room: Room, event: StanzaEvent, form: RawForm): Promise<void> {
  const session = requireSession(room, event)
  const { occupant, jid } = session
  const allow = valueIn(form, 'muc#request_allow')
  if (allow !== undefined) {
    if (occupant.role !== 'moderator') throw new StanzaError('forbidden', 'Only moderators grant voice')
    if (parseBoolean(allow) === true) await grant(room, event, form)
    return
  }
  if (!room.get(voiceRequests)) throw new StanzaError('forbidden', 'Nobody may ask for voice here')
  if (occupant.role !== 'visitor') throw new StanzaError('not-allowed', 'You have voice already')
  const now = room.service.host.clock.now()
  if (now - session.askedForVoiceAt < room.get(voiceRequestInterval) * 1000)
    throw new StanzaError('resource-constraint', 'You have asked already')
  session.askedForVoiceAt = now
  const values = {
    'muc#role': 'participant',
    'muc#jid': jid,
    'muc#roomnick': occupant.nick,
    'muc#request_allow': false,
  } as const
  const request = message({ from: room.jid.full }, renderForm(approval, values))
  for (const moderator of room.sessions.values()) {
    if (moderator.occupant.role === 'moderator') room.forward(moderator.jid, request)
  }
}

/** Whatever role was asked for, it is voice that is granted. */
async function grant(room: Room, { from }: StanzaEvent, form: RawForm): Promise<void> {
  const occupant = room.occupants.get(valueIn(form, 'muc#roomnick') ?? '')
  if (occupant === undefined) throw new StanzaError('item-not-found', 'Nobody here is called so')
  if (occupant.role !== 'visitor') return
  const nick = room.sessions.get(from.full)?.occupant.nick
  await grantRole(room, { occupant, role: 'participant' }, { jid: from, nick }, undefined)
}
