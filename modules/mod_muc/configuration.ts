/** XEP-0045 §10.1, §10.2: the configuration of a room as a form, and what follows from a change. */
import type { Field, FieldValue, ValueField } from '../../server/protocol/form-field.ts'
import { defineForm, type Form, readSubmission, renderForm } from '../../server/protocol/data-form.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { message } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { sendAbsentees } from './absentees.ts'
import { appear, conceal, NO_NEWS, statusElement } from './announcements.ts'
import { historyLength } from './features/history.ts'
import { isMembersOnly } from './features/kinds.ts'
import { presenceBroadcast } from './features/presence-broadcast.ts'
import { broadcast } from './messages.ts'
import { FORM_CONFIG } from './namespaces.ts'
import { type AnyRoomOption, type RoomOption, type RoomValue, type Section, sections } from './options.ts'
import { expelOutsiders } from './removal.ts'
import type { Room } from './room.ts'
import { isServiceAdmin } from './service.ts'

/** The form that an owner fills in, with what holds now. */
export function renderConfiguration(room: Room, { from }: StanzaEvent): Element {
  const offered = offeredOptions(room, isServiceAdmin(room.service, from.bare))
  const fields = offered.flatMap((option, index): Field[] => {
    const isFirst = option.section !== offered[index - 1]?.section
    return [...(isFirst ? [heading(option.section)] : []), option.field]
  })
  const form: Form = defineForm({
    type: FORM_CONFIG,
    title: `Configuration of ${room.jid.full}`,
    instructions: 'Fill in what you want to change.',
    fields,
  })
  // Each option holds what its field may hold.
  return renderForm(
    form,
    Object.fromEntries(offered.map((option) => [option.field.var, room.get(option) as FieldValue])),
  )
}

/** What a submission changes. */
export interface Reconfiguration {
  /** Values by the keys of options; only those that are other than before. */
  readonly changes: ReadonlyMap<string, FieldValue>
  /** The status codes that tell of it (§10.2.1). */
  readonly statuses: readonly number[]
}

/** Reads a submitted form: the values that change, or 'cancel'. Throws a StanzaError if the room cannot be like that. */
export function readConfiguration(room: Room, { from }: StanzaEvent, x: Element): Reconfiguration | 'cancel' {
  const options = offeredOptions(room, isServiceAdmin(room.service, from.bare))
  const submission = readSubmission({ type: FORM_CONFIG, fields: options.flatMap(fieldsToRead) }, x)
  if (submission === 'cancel') return 'cancel'
  const wanted = new Map<string, FieldValue>()
  for (const option of options) {
    const names = [option.field.var, ...(option.aliases ?? [])]
    const name = names.find((each) => each in submission.values)
    const value = name === undefined ? undefined : submission.values[name]
    if (value !== undefined) wanted.set(option.key, value)
    // A choice or a number that was emptied cannot be had.
    else if (names.some((each) => submission.cleared.includes(each)))
      throw new StanzaError('not-acceptable', `${option.field.var} is empty`)
  }
  for (const option of options) option.complete?.(wanted)
  const valueOf = <T>(option: RoomValue<T>): T =>
    wanted.has(option.key) ? (wanted.get(option.key) as T) : room.get(option)
  for (const option of options) option.check?.(valueOf, room.service.config)

  const changed = options.filter((option) => !isSame(valueOf(option), room.get(option)))
  const statuses = changed.flatMap((option) => option.statuses?.(valueOf(option), room.get(option)) ?? [104])
  return {
    changes: new Map(changed.map((option) => [option.key, valueOf(option) as FieldValue])),
    statuses: [...new Set(statuses)].toSorted((one, other) => one - other),
  }
}

/** Stores a new configuration, and does what follows from it. */
export async function reconfigure(room: Room, { changes }: Reconfiguration): Promise<void> {
  const before = new Map([...changes.keys()].map((key) => [key, room.get({ key })]))
  if (changes.size > 0) await room.setValues(changes)
  if (room.isLocked) await room.unlock()
  room.refresh()
  for (const follow of consequences) await follow(room, before)
  room.service.host.announce('muc/configured', { room, keys: [...changes.keys()] })
}

/** Tells all occupants that the configuration has changed (§10.2.1). */
export function announceConfiguration(room: Room, statuses: readonly number[]): Maybe<void> {
  if (statuses.length === 0) return undefined
  const x = xml('x', { xmlns: NS.mucUser }, ...statuses.map(statusElement))
  return broadcast(room, message({ type: 'groupchat', from: room.jid.full }, x))
}

/** What follows when an option has changed; each gets the values that were changed, as they were before. */
const consequences: readonly ((room: Room, before: ReadonlyMap<string, unknown>) => Maybe<void>)[] = [
  when(isMembersOnly, (room, isOn) => (isOn ? expelOutsiders(room) : undefined)),
  when(historyLength, (room, most) => room.history.limit(most)),
  when(presenceBroadcast, showOrHide),
]

function when<T>(option: RoomOption<T>, follow: (room: Room, value: T, before: T) => Maybe<void>) {
  return (room: Room, before: ReadonlyMap<string, unknown>): Maybe<void> =>
    // What was there before is of the type of the option.
    before.has(option.key) ? follow(room, room.get(option), before.get(option.key) as T) : undefined
}

/** Occupants whose role is shown from now on appear, others go out of sight (§7.2.2). */
async function showOrHide(room: Room, shown: readonly string[], before: readonly string[]): Promise<void> {
  for (const occupant of room.occupants.values()) {
    if (shown.includes(occupant.role) === before.includes(occupant.role)) continue
    await (shown.includes(occupant.role) ? appear(room, occupant, NO_NEWS) : conceal(room, occupant))
  }
  if (!shown.includes('none') || before.includes('none')) return
  for (const session of room.sessions.values()) await sendAbsentees(room, session)
}

function offeredOptions(room: Room, isAdmin: boolean): readonly AnyRoomOption[] {
  const { options, config } = room.service
  return [...options].filter(({ needs }) => needs === undefined || config[needs] || isAdmin)
}

/** The field under all its names. */
function fieldsToRead({ field, aliases = [] }: AnyRoomOption): readonly ValueField[] {
  return [field, ...aliases.map((alias) => ({ ...field, var: alias }))]
}

function heading(section: Section): Field {
  return { type: 'fixed', text: sections[section] }
}

function isSame(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other
  return one.length === other.length && one.every((item) => other.includes(item))
}
