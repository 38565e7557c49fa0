/** XEP-0045 §17.4, XEP-0410: requests from one occupant to another, which must not learn who the other is. */
import type { Jid } from '../../server/jid/jid.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { errorReply, reply } from '../../server/xml/build.ts'
import type { Element } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { allowsQueries } from './features/queries.ts'
import type { Occupant } from './occupant.ts'
import { notInside } from './refusals.ts'
import type { Room } from './room.ts'

/** Requests of one client that may wait for an answer. */
const MOST_WAITING = 50

/** What the account of somebody answers, not the client. */
const AT_THE_ACCOUNT: ReadonlySet<string> = new Set([NS.vcard, NS.pubsub, 'urn:ietf:params:xml:ns:vcard-4.0'])

/** Passes requests on in the name of occupants, and answers back. */
export class Relay {
  /** Requests under way, by the full address of who has asked. */
  readonly #waiting = new Map<string, number>()

  /** Takes a request to an occupant. Throws a StanzaError to refuse it. */
  take(room: Room, event: StanzaEvent): void {
    const { stanza, from, to, origin } = event
    // Answers that somebody waits for are taken before they come here.
    if (stanza.type === 'result' || stanza.type === 'error') return
    // The router has checked that there is one child.
    const payload = stanza.childAt(0) as Element
    const session = room.sessions.get(from.full)
    if (session === undefined) throw strangerRefusal(payload)
    const target = room.occupants.get(to.resource ?? '')
    if (target === undefined) throw new StanzaError('item-not-found', 'Nobody here is called so')
    if (target === session.occupant && payload.ns === NS.ping) {
      origin.send(reply(stanza))
      return
    }
    if (!room.get(allowsQueries)) throw new StanzaError('not-allowed', 'Requests to others are not allowed here')
    this.#begin(from.full)
    room.service.host.spawn('relay a request', async () => {
      try {
        origin.send(await ask(room, session.occupant, target, event, payload))
      } finally {
        this.#end(from.full)
      }
    })
  }

  #begin(asking: string): void {
    const count = this.#waiting.get(asking) ?? 0
    if (count >= MOST_WAITING) throw new StanzaError('resource-constraint', 'Too many requests wait for an answer')
    this.#waiting.set(asking, count + 1)
  }

  #end(asking: string): void {
    const count = (this.#waiting.get(asking) ?? 1) - 1
    if (count > 0) this.#waiting.set(asking, count)
    else this.#waiting.delete(asking)
  }
}

/** The answer of the other, or the error, without the address it came from. */
async function ask(room: Room, from: Occupant, target: Occupant, { stanza }: StanzaEvent, payload: Element) {
  const to = addressOf(target, payload)
  try {
    if (to === undefined) throw new StanzaError('item-not-found', 'Nobody here is called so')
    // Nobody must be found by the ids that their client makes.
    const type = stanza.type === 'get' ? 'get' : 'set'
    return reply(stanza, await room.service.host.request({ from: from.jid, to, type, payload }))
  } catch (error) {
    if (!(error instanceof StanzaError)) throw error
    const { condition, text, type } = error
    return errorReply(stanza, new StanzaError(condition, text, { type }).toElement())
  }
}

function addressOf({ main, bare }: Occupant, { ns }: Element): Jid | undefined {
  return AT_THE_ACCOUNT.has(ns) ? bare : main?.jid
}

/** §6.6: whoever is not in the room learns nothing of those who are. */
function strangerRefusal({ ns }: Element): StanzaError {
  if (ns === NS.discoInfo || ns === NS.discoItems)
    return new StanzaError('bad-request', 'You are not currently connected to this chat')
  return notInside()
}
