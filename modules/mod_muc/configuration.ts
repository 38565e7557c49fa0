/** XEP-0045 §10.1, §10.2: the configuration of a room as a form, and what follows from a change. */
import type { Jid } from '../../server/jid/jid.ts'
import type { Field, FieldValue, ValueField } from '../../server/protocol/form-field.ts'
import { defineForm, type Form, readSubmission, renderForm } from '../../server/protocol/data-form.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { message } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { sendAbsentees } from './absentees.ts'
import { type AffiliationChange, changeAffiliations, checkTogether } from './affiliation-changes.ts'
import { type Actor, appear, conceal, NO_NEWS, statusElement } from './announcements.ts'
import { historyLength } from './features/history.ts'
import { isMembersOnly } from './features/kinds.ts'
import { changesOfPeople, peopleFields, peopleOf } from './features/people.ts'
import { presenceBroadcast } from './features/presence-broadcast.ts'
import { knownSince, whois } from './features/whois.ts'
import { broadcast } from './messages.ts'
import { FORM_CONFIG } from './namespaces.ts'
import { type AnyRoomOption, type RoomOption, type RoomValue, type Section, sections } from './options.ts'
import { expelOutsiders } from './removal.ts'
import type { Room } from './room.ts'
import { isServiceAdmin } from './service.ts'

/** The form that an owner fills in, with what holds now. */
export async function renderConfiguration(room: Room, { from }: StanzaEvent): Promise<Element> {
  const offered = await offeredOptions(room, from)
  const fields = offered.flatMap((option, index): Field[] => {
    const isFirst = option.section !== offered[index - 1]?.section
    return [...(isFirst ? [heading(option.section)] : []), option.field]
  })
  const form: Form = defineForm({
    type: FORM_CONFIG,
    title: `Configuration of ${room.jid.full}`,
    instructions: 'Fill in what you want to change.',
    fields: [...fields, { type: 'fixed', text: 'Who runs the room' }, ...peopleFields.map(({ field }) => field)],
  })
  // Each option holds what its field may hold.
  const values = offered.map((option) => [option.field.var, room.get(option) as FieldValue] as const)
  return renderForm(form, { ...Object.fromEntries(values), ...peopleOf(room) })
}

/** What a submission changes. */
export interface Reconfiguration {
  /** Values by the keys of options; only those that are other than before. */
  readonly changes: ReadonlyMap<string, FieldValue>
  readonly people: readonly AffiliationChange[]
  /** The status codes that tell of it (§10.2.1). */
  readonly statuses: readonly number[]
}

/** Reads what an owner has submitted: what changes, or 'cancel'. Rejects with a StanzaError if that cannot be. */
export async function readConfiguration(
  room: Room,
  { from }: StanzaEvent,
  x: Element,
): Promise<Reconfiguration | 'cancel'> {
  return readChanges(room, await offeredOptions(room, from), x)
}

/** What a submission of these options changes. Throws a StanzaError if the room cannot be like that. */
export function readChanges(room: Room, options: readonly AnyRoomOption[], x: Element): Reconfiguration | 'cancel' {
  const fields = [...options.flatMap(fieldsToRead), ...peopleFields.map(({ field }) => field)]
  const submission = readSubmission({ type: FORM_CONFIG, fields }, x)
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
  const people = changesOfPeople(room, submission.values as Record<string, FieldValue>)
  checkTogether(room, people)

  const changed = options.filter((option) => !isSame(valueOf(option), room.get(option)))
  const statuses = changed.flatMap((option) => option.statuses?.(valueOf(option), room.get(option)) ?? [104])
  return {
    changes: new Map(changed.map((option) => [option.key, valueOf(option) as FieldValue])),
    people,
    statuses: [...new Set(statuses)].toSorted((one, other) => one - other),
  }
}

/** Stores a new configuration, and does what follows from it. `actor` is undefined for the service itself. */
export async function reconfigure(room: Room, wanted: Reconfiguration, actor: Actor | undefined): Promise<void> {
  const { changes, people } = wanted
  const keys = [...changes.keys()]
  const before = new Map(keys.map((key) => [key, room.get({ key })]))
  const by = actor === undefined ? {} : { actor }
  const values = new Map<string, unknown>(changes)
  if (changes.has(whois.key) && !room.isLocked) values.set(knownSince.key, room.service.host.clock.now())
  if (people.length > 0) await changeAffiliations(room, people, { ...by, tells: true, values })
  else if (values.size > 0) await room.setValues(values)
  if (room.isLocked) await room.unlock()
  room.refresh()
  for (const follow of consequences) await follow(room, before)
  const { host } = room.service
  host.announce('muc/configured', { room, keys })
  const act = { kind: 'configuration', keys } as const
  if (keys.length > 0) host.announce('muc/administered', { room, by: actor?.jid, act, reason: undefined })
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

/** What somebody may set, in the order of the form. */
async function offeredOptions(room: Room, whom: Jid): Promise<readonly AnyRoomOption[]> {
  const { options, config } = room.service
  const isAdmin = config.allow_public && config.allow_persistent ? false : await isServiceAdmin(room.service, whom)
  return [...options]
    .filter(({ needs }) => needs === undefined || config[needs] || isAdmin)
    .toSorted((one, other) => SECTION_ORDER.indexOf(one.section) - SECTION_ORDER.indexOf(other.section))
}

const SECTION_ORDER: readonly string[] = Object.keys(sections)

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
