/** XEP-0425: what the room says when a moderator retracts a message, and what is left of it; in the words of both versions. */
import { formatDateTime } from '../../server/protocol/date-time.ts'
import { tombstoneOf } from '../../server/protocol/retraction.ts'
import { message } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'

export const NS_MODERATE = 'urn:xmpp:message-moderate:1'
// COMPAT(clients with the first version of the XEP, until 2028)
export const NS_OLD_MODERATE = 'urn:xmpp:message-moderate:0'
export const NS_FASTEN = 'urn:xmpp:fasten:0'
const NS_OLD_RETRACT = 'urn:xmpp:message-retract:0'

export interface Moderation {
  /** Of the message that is retracted. */
  readonly target: string
  /** Of the message that tells everybody. */
  readonly id: string
  /** Who does it: an occupant, or the room. */
  readonly by: string
  readonly occupantId: string | undefined
  readonly at: Date
  readonly reason: string | undefined
}

/** What everybody in the room is told (§3.1). */
export function moderationMessage(room: string, moderation: Moderation): Stanza {
  const { target, id, reason } = moderation
  return message(
    { type: 'groupchat', from: room, id },
    xml('retract', { xmlns: NS.retract, id: target }, moderated(moderation), reasonElement(reason)),
    xml(
      'apply-to',
      { xmlns: NS_FASTEN, id: target },
      oldModerated(moderation, xml('retract', { xmlns: NS_OLD_RETRACT })),
    ),
  )
}

/** What is left of the message in archives and in the history (§4). */
export function moderatedTombstone(stanza: Stanza, moderation: Moderation): Stanza {
  const { id, at, reason } = moderation
  const details = [moderated(moderation), reasonElement(reason)].filter((element) => element !== undefined)
  const old = xml('retracted', { xmlns: NS_OLD_RETRACT, stamp: formatDateTime(at) })
  return tombstoneOf(stanza, { id, at, details }).append(oldModerated(moderation, old))
}

function moderated({ by, occupantId }: Moderation): Element {
  return xml(
    'moderated',
    { xmlns: NS_MODERATE, by },
    occupantId !== undefined && xml('occupant-id', { xmlns: NS.occupantId, id: occupantId }),
  )
}

function oldModerated({ by, reason }: Moderation, what: Element): Element {
  return xml('moderated', { xmlns: NS_OLD_MODERATE, by }, what, reasonElement(reason))
}

function reasonElement(reason: string | undefined): Element | undefined {
  return reason === undefined ? undefined : xml('reason', {}, reason)
}
