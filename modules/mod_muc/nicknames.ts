/** XEP-0045 §7.2.8, §17.1: nicknames, and for whom they are. */
import { type Jid, JidError } from '../../server/jid/jid.ts'
import { lookOf } from '../../server/jid/look.ts'
import { resourceprep } from '../../server/jid/prepare.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Room } from './room.ts'

const STRICT = 'Nickname must pass strict validation'

/** Nothing that one could see. */
const INVISIBLE = /^[\p{White_Space}\p{Default_Ignorable_Code_Point}\u{2800}\u{1d159}]*$/u

/** Throws a StanzaError if nobody may be called so. The nickname is prepared, as the resource of a JID is. */
export function checkNick(room: Room, nick: string): void {
  if (INVISIBLE.test(nick)) throw new StanzaError('not-allowed', 'A nickname must be visible', { type: 'modify' })
  const most = room.service.config.max_nick_length
  if (nick.length > most) throw new StanzaError('not-acceptable', `A nickname has at most ${most} characters`)
  if (resourceprep(nick, 'refused') === undefined && !isModern(nick)) throw new StanzaError('jid-malformed', STRICT)
}

/**
 * Whether a nickname with characters that Unicode 3.2 does not know, as all new emoji are, can be given to somebody.
 * Unicode must have assigned them since and have no other way to write them, so that no two look alike (RFC 3454 §7);
 * and there must be something that others can type and say, since not every client shows the rest.
 */
function isModern(nick: string): boolean {
  return SPEAKABLE.test(nick) && !UNASSIGNED.test(nick) && nick.normalize('NFKC') === nick
}

const SPEAKABLE = /[\p{Letter}\p{Number}]/u
const UNASSIGNED = /\p{Unassigned}/u

/** Reads a nickname that did not come as part of an address. Throws a StanzaError with the given condition. */
export function parseNick(room: Room, text: string, condition: 'bad-request' | 'jid-malformed'): string {
  try {
    const { resource = '' } = room.service.host.parseJid(`${room.jid.full}/${text}`)
    checkNick(room, resource)
    return resource
  } catch (cause) {
    if (cause instanceof StanzaError) throw new StanzaError(condition, cause.text, { cause })
    if (cause instanceof JidError) throw new StanzaError(condition, STRICT, { cause })
    throw cause
  }
}

/** What a nickname looks like among others (§14.6): the same for two that nobody could tell from each other. */
export function nickLook(nick: string): string {
  return lookOf(nick.trim().replaceAll(/\s+/g, ' '))
}

/** True if somebody else is called so, or looks so, or has reserved the nickname. */
export function isTaken(room: Room, nick: string, by: Jid): boolean {
  const occupant = room.occupants.get(nick)
  if (occupant !== undefined && occupant.bare.bare !== by.bare) return true
  const holder = room.affiliates.holderOf(nick)
  if (holder !== undefined) return holder !== by.bare
  const alike = room.lookalike(nick)
  return alike !== undefined && alike.bare.bare !== by.bare
}

/** True if somebody else has reserved the nickname. */
export function isReserved(room: Room, nick: string, by: Jid): boolean {
  const holder = room.affiliates.holderOf(nick)
  return holder !== undefined && holder !== by.bare
}

/** The nickname that somebody must use, where those who have registered one must (§7.10). */
export function enforcedNick(room: Room, whom: Jid): string | undefined {
  return room.service.config.enforce_registered_nickname ? room.affiliates.get(whom.bare)?.nick : undefined
}
