/** XEP-0045 §7.2.13, §7.2.14: the last messages of a room, for those who enter. */
import { t } from '../../../server/config/types.ts'
import { parseDateTime } from '../../../server/protocol/date-time.ts'
import { delayElement } from '../../../server/protocol/delay.ts'
import type { Element } from '../../../server/xml/element.ts'
import { NS } from '../../../server/xml/ns.ts'
import type { Stanza } from '../../../server/xml/stanza.ts'
import { roomOption } from '../options.ts'

/** The most messages that a room keeps for those who enter. */
const MOST_MESSAGES = 200

const COUNT = { datatype: 'xs:integer', range: { min: 0, max: MOST_MESSAGES } } as const

export const historyLength = roomOption<number>({
  key: 'history_length',
  section: 'other',
  field: {
    type: 'text-single',
    var: 'muc#roomconfig_historylength',
    label: `How many messages are kept for those who enter (at most ${MOST_MESSAGES})`,
    validation: COUNT,
  },
  aliases: ['muc#maxhistoryfetch'],
  preset: t.integer({ max: MOST_MESSAGES }).default(20).describe('Messages that a new room keeps for those who enter.'),
  info: (value) => [
    {
      field: {
        type: 'text-single',
        var: 'muc#maxhistoryfetch',
        label: 'Most messages that are sent to those who enter',
      },
      value,
    },
  ],
})

export const usualHistory = roomOption<number>({
  key: 'usual_history',
  section: 'other',
  field: {
    type: 'text-single',
    var: 'muc#roomconfig_defaulthistorymessages',
    label: 'How many of them are sent to those who do not say how many they want',
    validation: COUNT,
  },
  preset: t
    .integer({ max: MOST_MESSAGES })
    .default(20)
    .describe('How many messages of a new room are sent to those who do not say how many they want.'),
})

/** A message as it was shown to the room. */
export interface ShownMessage {
  /** Its stanza-id (XEP-0359). */
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** The real, bare address of whoever sent it. */
  readonly sender: string
  readonly shown: Stanza
}

/** The same, and what becomes of it when somebody wants it. */
class KeptMessage implements ShownMessage {
  readonly id: string
  readonly at: number
  readonly sender: string
  readonly shown: Stanza
  readonly #room: string
  #sent: Stanza | undefined

  /** `room` is the address of the room. */
  constructor({ id, at, sender, shown }: ShownMessage, room: string) {
    this.id = id
    this.at = at
    this.sender = sender
    this.shown = shown.keep()
    this.#room = room
  }

  /** As it is sent later, but for the addressee: with the time at which it was said (§7.2.13). */
  get stanza(): Stanza {
    return (this.#sent ??= this.shown.append(delayElement(new Date(this.at), this.#room)))
  }
}

/** Which part of the history somebody wants. */
export interface HistoryRequest {
  readonly maxChars: number | undefined
  readonly maxStanzas: number | undefined
  /** Milliseconds since 1970. */
  readonly since: number | undefined
}

/** The last messages of one room, the oldest first. */
export class History {
  readonly #room: string
  #messages: KeptMessage[] = []

  /** Of the room with that address. */
  constructor(room: string) {
    this.#room = room
  }

  get length(): number {
    return this.#messages.length
  }

  get messages(): readonly ShownMessage[] {
    return this.#messages
  }

  find(id: string): ShownMessage | undefined {
    return this.#messages.find((message) => message.id === id)
  }

  /** Keeps a message, and forgets the oldest if there are more than `most`. */
  keep(message: ShownMessage, most: number): void {
    this.#messages.push(new KeptMessage(message, this.#room))
    this.limit(most)
  }

  /** Puts something else in the place of a message, if it is there. */
  replace(id: string, shown: Stanza): void {
    const place = this.#messages.findIndex((message) => message.id === id)
    const former = this.#messages[place]
    if (former === undefined) return
    const { at, sender } = former
    this.#messages[place] = new KeptMessage({ id, at, sender, shown }, this.#room)
  }

  /** Forgets the oldest messages if there are more than `most`. */
  limit(most: number): void {
    if (this.#messages.length > most) this.#messages = this.#messages.slice(this.#messages.length - most)
  }

  /** The newest messages that meet all that is asked; complete ones only (§7.2.14). */
  select({ maxChars = Infinity, maxStanzas = Infinity, since = -Infinity }: HistoryRequest): readonly Stanza[] {
    const chosen: Stanza[] = []
    let chars = 0
    for (const { at, stanza } of this.#messages.toReversed()) {
      // The characters of the whole stanza count, not only its text (§7.2.14).
      if (maxChars !== Infinity) chars += stanza.toString().length
      if (chars > maxChars || chosen.length >= maxStanzas || at < since) break
      chosen.unshift(stanza)
    }
    return chosen
  }
}

/** Reads `<history/>` in the presence of someone who enters; what is no number, or no date, counts as absent. */
export function readHistoryRequest(x: Element | undefined, now: number): HistoryRequest {
  const attrs = x?.child('history', NS.muc)?.attrs ?? {}
  const seconds = count(attrs['seconds'])
  const since = parseDateTime(attrs['since'] ?? '')?.getTime()
  const earliest = [since, seconds === undefined ? undefined : now - seconds * 1000].filter(
    (time) => time !== undefined,
  )
  return {
    maxChars: count(attrs['maxchars']),
    maxStanzas: count(attrs['maxstanzas']),
    since: earliest.length === 0 ? undefined : Math.max(...earliest),
  }
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

/** What is worth telling those who were not there: what somebody has said, and no mere signals (XEP-0334). */
export function isWorthKeeping(stanza: Stanza): boolean {
  if (stanza.has('no-store', NS.hints) || stanza.has('no-permanent-store', NS.hints)) return false
  return (
    stanza.has('body') ||
    stanza.has('encryption', NS.encryption) ||
    stanza.has('store', NS.hints) ||
    stanza.refs.some(({ ns }) => ns === NS.chatMarkers)
  )
}
