/** XEP-0425 §3: moderators ask the room to retract a message. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Element } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { ShownMessage } from '../mod_muc/features/history.ts'
import type { RoomRequest } from '../mod_muc/requests.ts'
import type { Room } from '../mod_muc/room.ts'
import { type Graves, isRetractable } from './graves.ts'
import {
  moderatedTombstone,
  type Moderation,
  moderationMessage,
  NS_FASTEN,
  NS_MODERATE,
  NS_OLD_MODERATE,
} from './moderation.ts'

/** What a moderator wants. */
interface Wish {
  readonly target: string
  readonly reason: string | undefined
}

export function setupModeration(host: ModuleHost<'muc'>, graves: Graves): void {
  host.provide('room-request', { type: 'set', ns: NS_MODERATE, name: 'moderate', answer: moderate })
  host.provide('room-request', { type: 'set', ns: NS_FASTEN, name: 'apply-to', answer: moderate })

  async function moderate(room: Room, { from, payload }: RoomRequest): Promise<void> {
    const { target, reason } = wishIn(payload)
    if (!host.service('muc').mayModerate(room, from)) {
      throw new StanzaError('forbidden', 'Only moderators may retract what others have said')
    }
    const message = await graves.find(room, target)
    if (message === undefined) throw new StanzaError('item-not-found', 'There is no such message')
    await retractAll(host, graves, room, { messages: [message], by: from, reason })
  }
}

/** Retracts messages of one person in the name of a moderator, or of the room. Throws a StanzaError if that may not be. */
export async function retractAll(
  host: ModuleHost<'muc'>,
  graves: Graves,
  room: Room,
  { messages, by, reason }: { messages: readonly ShownMessage[]; by: Jid | undefined; reason: string | undefined },
): Promise<void> {
  const whom = host.parseJid(messages[0]?.sender ?? room.jid.full).toBare()
  const rooms = host.service('muc')
  const isHigher = by !== undefined && !rooms.isAtLeast(room.affiliates.of(by), room.affiliates.of(whom))
  if (isHigher || whom.bare === room.jid.bare) {
    throw new StanzaError('not-allowed', 'You may not retract what they have said')
  }
  const open = messages.filter(({ shown }) => isRetractable(shown))
  for (const message of open) {
    const moderation = moderationOf(host, room, message.id, by, reason)
    await graves.bury(room, message, moderatedTombstone(message.shown, moderation))
    await rooms.say(room, moderationMessage(room.jid.full, moderation))
  }
  const act = { kind: 'retraction', whom, ids: open.map(({ id }) => id) } as const
  if (open.length > 0) host.announce('muc/administered', { room, by, act, reason })
}

/** A moderator who is not in the room does it in the name of the room. */
function moderationOf(
  host: ModuleHost,
  room: Room,
  target: string,
  by: Jid | undefined,
  reason: string | undefined,
): Moderation {
  const occupant = by && room.sessions.get(by.full)?.occupant
  return {
    target,
    id: host.random.id(),
    by: occupant?.jid.full ?? room.jid.full,
    occupantId: by && (occupant?.id ?? room.occupantId(by)),
    at: new Date(host.clock.now()),
    reason,
  }
}

function wishIn(payload: Element): Wish {
  const target = payload.attrs['id']
  if (target === undefined || target === '') throw new StanzaError('bad-request', 'Which message?')
  // COMPAT(clients with the first version of the XEP, until 2028)
  const moderate = payload.name === 'apply-to' ? payload.child('moderate', NS_OLD_MODERATE) : payload
  const retract = moderate?.elements.find(({ name, ns }) => name === 'retract' && RETRACT.has(ns))
  if (moderate === undefined || retract === undefined) {
    throw new StanzaError('bad-request', 'All that moderators can do to messages is to retract them')
  }
  return { target, reason: moderate.child('reason')?.getText() || undefined }
}

const RETRACT: ReadonlySet<string> = new Set([NS.retract, 'urn:xmpp:message-retract:0'])
