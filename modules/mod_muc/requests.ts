/** XEP-0045 §17.4: requests that a room answers itself. */
import type { Maybe } from '../../server/util/maybe.ts'
import { isPending } from '../../server/util/maybe.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { reply } from '../../server/xml/build.ts'
import type { Element } from '../../server/xml/element.ts'
import type { Room } from './room.ts'

declare module '../../server/host/provisions.ts' {
  interface Provisions {
    /** A request that rooms answer. */
    'room-request': RoomAnswerer
  }
}

export interface RoomRequest extends StanzaEvent {
  /** The one child of the iq. */
  readonly payload: Element
  /** Runs once the answer has been sent, and before the room does anything else. */
  afterAnswer(run: () => Maybe<void>): void
}

/** Answers the requests of one kind; in the turn of the room, so that nothing happens in it meanwhile. */
export interface RoomAnswerer {
  readonly type: 'get' | 'set'
  readonly ns: string
  readonly name: string
  /** It may take long, changes nothing, and does not hold up the room. */
  readonly isAside?: boolean
  /** The payload of the result, if it has one. Throws a StanzaError to refuse. */
  answer(room: Room, request: RoomRequest): Maybe<Element | undefined | void>
}

/** What is still to be done for somebody, out of the turn of the room. */
export type Aside = () => Maybe<void>

/** Answers a request to the room, or throws a StanzaError; or gives what will answer it. */
export function answerRequest(room: Room, event: StanzaEvent): Maybe<void | Aside> {
  const { stanza } = event
  // Answers to what a room has asked are taken before they come here.
  if (stanza.type === 'result' || stanza.type === 'error') return undefined
  // The router has checked that there is one child.
  const payload = stanza.childAt(0) as Element
  const answerer = [...room.service.host.items('room-request')].find(
    ({ type, ns, name }) => type === stanza.type && ns === payload.ns && name === payload.name,
  )
  if (answerer === undefined) throw new StanzaError('service-unavailable')
  const afterwards: (() => Maybe<void>)[] = []
  const request = requestOf(event, payload, afterwards)
  const finish = (result: Element | undefined | void): Maybe<void> => {
    if (!event.isGivenUp) event.origin.send(reply(stanza, result ?? undefined))
    return inOrder(afterwards)
  }
  const act = (): Maybe<void> => {
    const answer = answerer.answer(room, request)
    return isPending(answer) ? answer.then(finish) : finish(answer)
  }
  return answerer.isAside === true ? act : act()
}

function requestOf(event: StanzaEvent, payload: Element, afterwards: (() => Maybe<void>)[]): RoomRequest {
  const { stanza, origin, from, to } = event
  return {
    stanza,
    origin,
    from,
    to,
    payload,
    get isGivenUp() {
      return event.isGivenUp
    },
    settles: (write) => event.settles(write),
    afterAnswer: (run) => void afterwards.push(run),
  }
}

async function inOrder(acts: readonly (() => Maybe<void>)[]): Promise<void> {
  for (const act of acts) await act()
}
