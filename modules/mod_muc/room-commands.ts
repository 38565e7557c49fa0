/** XEP-0050: what can be done to a room beyond XEP-0045, as commands of the room: for those who may, with a form if need be. */
import { LRUCache } from 'lru-cache'
import type { Jid } from '../../server/jid/jid.ts'
import { type Form, readSubmission, renderForm } from '../../server/protocol/data-form.ts'
import type { DiscoInfo } from '../../server/protocol/disco-info.ts'
import type { FieldValue } from '../../server/protocol/form-field.ts'
import { formIn } from '../../server/protocol/raw-form.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { RoomAnswerer, RoomRequest } from './requests.ts'
import type { Room } from './room.ts'

declare module '../../server/host/provisions.ts' {
  interface Provisions {
    /** Something that can be done to rooms. */
    'room-command': RoomCommand
  }
}

export interface RoomCommand {
  readonly node: string
  readonly title: string
  /** Who may. Others do not see it. */
  may(room: Room, whom: Jid): boolean
  /** What must be filled in; without it, the command runs at once. */
  form?(room: Room): Form
  /** Does it. Throws, or rejects with, a StanzaError to refuse. */
  run(room: Room, request: CommandRequest): Maybe<CommandOutcome | void>
}

export interface CommandRequest {
  readonly from: Jid
  /** By the names of fields; those without a value are not there. */
  readonly values: Readonly<Record<string, FieldValue>>
  /** Runs once the answer has been sent. */
  afterAnswer(run: () => Maybe<void>): void
}

export interface CommandOutcome {
  /** In words, for the person who gave the command. */
  readonly note?: string
  /** A form with results. */
  readonly form?: Element
}

/** Forms that were sent and have not come back: by whom each was asked for. */
const MOST_OPEN = 1000
const OPEN_MILLISECONDS = 600_000

/** Answers commands that are given to rooms. */
export function commandAnswerer(): RoomAnswerer {
  const open = new LRUCache<string, string>({ max: MOST_OPEN, ttl: OPEN_MILLISECONDS })
  return { type: 'set', ns: NS.commands, name: 'command', answer }

  async function answer(room: Room, request: RoomRequest): Promise<Element> {
    const { node, action = 'execute', sessionid } = request.payload.attrs
    if (!ACTIONS.has(action)) throw refusal('malformed-action')
    const command = [...room.service.host.items('room-command')].find((known) => known.node === node)
    if (command === undefined) throw new StanzaError('item-not-found')
    if (!command.may(room, request.from)) throw new StanzaError('forbidden', 'This is not for you to do')
    const opened = `${room.node} ${node} ${request.from.full}`
    if (sessionid !== undefined && open.get(sessionid) !== opened) throw refusal('bad-sessionid')
    const session = sessionid ?? room.service.host.random.id()
    if (action === 'cancel') {
      open.delete(session)
      return commandElement(command, session, 'canceled')
    }
    if (action === 'prev') throw refusal('bad-action')
    const x = formIn(request.payload)
    const form = command.form?.(room)
    // Whoever knows the form need not ask for it (XEP-0317 §3.3).
    if (form !== undefined && x === undefined) {
      open.set(session, opened)
      const actions = xml('actions', { execute: 'complete' }, xml('complete', {}))
      return commandElement(command, session, 'executing', actions, renderForm(form))
    }
    const submission = form === undefined ? { values: {} } : readSubmission(form, x)
    open.delete(session)
    if (submission === 'cancel') return commandElement(command, session, 'canceled')
    const { from } = request
    // What was read is as the fields declare it.
    const values = submission.values as Readonly<Record<string, FieldValue>>
    const given = { from, values, afterAnswer: (run: () => Maybe<void>) => request.afterAnswer(run) }
    const { note, form: result } = (await command.run(room, given)) ?? {}
    return commandElement(
      command,
      session,
      'completed',
      note !== undefined && xml('note', { type: 'info' }, note),
      result,
    )
  }
}

/** Those that somebody may give to a room. */
export function commandsFor(room: Room, whom: Jid): readonly RoomCommand[] {
  return [...room.service.host.items('room-command')].filter((command) => command.may(room, whom))
}

/** What service discovery tells of a node of commands; undefined if it is none, for whoever asks. */
export function commandInfo(room: Room, node: string, asking: Jid): DiscoInfo | undefined {
  if (node === NS.commands) {
    return {
      identities: [{ category: 'automation', type: 'command-list', name: 'Commands' }],
      features: [NS.commands, NS.discoInfo, NS.discoItems],
      forms: [],
    }
  }
  const command = commandsFor(room, asking).find((known) => known.node === node)
  return (
    command && {
      identities: [{ category: 'automation', type: 'command-node', name: command.title }],
      features: [NS.commands, NS.dataForms],
      forms: [],
    }
  )
}

const ACTIONS: ReadonlySet<string> = new Set(['execute', 'cancel', 'complete', 'next', 'prev'])

function commandElement(
  { node }: RoomCommand,
  sessionid: string,
  status: string,
  ...children: readonly (Element | false | undefined)[]
): Element {
  return xml('command', { xmlns: NS.commands, node, sessionid, status }, ...children)
}

function refusal(detail: string): StanzaError {
  return new StanzaError('bad-request', undefined, { extra: xml(detail, { xmlns: NS.commands }) })
}
