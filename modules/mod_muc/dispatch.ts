/** Brings what was sent to a room to the room, in its turn, and lets refusals say that they are the room's. */
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import type { Tombstone } from './service.ts'

/**
 * Lets `act` deal with a stanza when the room has dealt with all that came
 * before. If there is no such room, `otherwise` decides. Throws, or rejects
 * with, StanzaErrors by the room.
 */
export function inRoom<T>(
  rooms: Rooms,
  event: StanzaEvent,
  act: (room: Room) => Maybe<T | undefined>,
  otherwise: () => Maybe<T | undefined>,
): Maybe<T | undefined> {
  return inNameOf(event.to.toBare().full, () => {
    if (rooms.isClosing) throw closing()
    return rooms.visit(event.to.node ?? '', (room) => (isInVain(event) ? undefined : act(room)), otherwise)
  })
}

/** Whoever was told that it took too long does not expect it any more. But those who have gone have gone. */
function isInVain({ isGivenUp, stanza }: StanzaEvent): boolean {
  return isGivenUp && stanza.type !== 'unavailable' && stanza.type !== 'error'
}

/** What is said now would be lost. */
function closing(): StanzaError {
  return new StanzaError('service-unavailable', 'The service will be back in a moment', { type: 'wait' })
}

/** Lets what is refused meanwhile be refused by the room with that address. */
export function inNameOf<T>(room: string, act: () => Maybe<T>): Maybe<T> {
  try {
    const outcome = act()
    return isPending(outcome) ? outcome.catch((error: unknown) => refuseBy(room, error)) : outcome
  } catch (error) {
    return refuseBy(room, error)
  }
}

/** The refusal of someone who is looking for a room that does not exist, or not any more. */
export function absence(stone: Tombstone | undefined): StanzaError {
  if (stone === undefined) return new StanzaError('item-not-found', 'There is no such room')
  const elsewhere = stone.venue === undefined ? {} : { uri: joinUri(stone.venue) }
  return new StanzaError('gone', stone.reason ?? 'This room was destroyed', elsewhere)
}

function refuseBy(room: string, error: unknown): never {
  if (!(error instanceof StanzaError) || error.by !== undefined) throw error
  const { condition, text, type, extra, uri } = error
  const more = { ...(extra === undefined ? {} : { extra }), ...(uri === undefined ? {} : { uri }) }
  throw new StanzaError(condition, text, { type, by: room, cause: error, ...more })
}

/** RFC 5122, XEP-0045 §16.7.1. */
function joinUri(room: string): string {
  return `xmpp:${encodeURI(room).replaceAll('?', '%3F').replaceAll('#', '%23')}?join`
}
