/** XEP-0424 §4: what an account's archive keeps of messages that their sender has retracted. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { bury, retractedId } from '../../server/protocol/retraction.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { escapeAttribute } from '../../server/xml/escape.ts'
import { NS } from '../../server/xml/ns.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import type { ArchiveItem, ArchiveStore } from '../../storage/store.ts'

/** A message that retracts another one, in somebody's archive. */
export interface Retracting {
  readonly owner: Jid
  readonly peer: Jid
  readonly stanza: Stanza
  /** Of the archive. */
  readonly id: string
}

interface Open {
  readonly count: number
  /** Never rejects. */
  readonly done: Promise<void>
}

export class Tombstones {
  readonly #host: ModuleHost
  readonly #messages: ArchiveStore
  /** By owner, those that are being looked for: one after another. */
  readonly #open = new Map<string, Open>()

  constructor(host: ModuleHost, messages: ArchiveStore) {
    this.#host = host
    this.#messages = messages
  }

  /** If the message retracts another one, that is replaced, soon: the promise resolves when it is done with. */
  leave(retracting: Retracting): Promise<void> | undefined {
    const target = retractedId(retracting.stanza)
    if (target === undefined) return undefined
    const node = retracting.owner.node ?? ''
    const { count = 0, done: before } = this.#open.get(node) ?? {}
    // Whoever retracts more than anybody does is not worth the search: clients will do what the message says.
    if (count >= MOST_OPEN) return undefined
    const { promise, resolve } = Promise.withResolvers<void>()
    const done = promise.then(() => {
      if (this.#open.get(node)?.done === done) this.#open.delete(node)
    })
    this.#open.set(node, { count: count + 1, done })
    this.#host.spawn('leave a tombstone', async () => {
      await before
      await this.#replace(retracting, target).finally(resolve)
    })
    return done
  }

  /** Resolves when the archive of an account is as those who have retracted want it. */
  settled(node: string): Maybe<void> {
    return this.#open.get(node)?.done
  }

  async #replace(retracting: Retracting, target: string): Promise<void> {
    const { owner, stanza, id } = retracting
    const item = await this.#find(retracting, target)
    if (item === undefined) return
    const at = new Date(this.#host.clock.now())
    await bury(this.#messages, owner.node ?? '', item, { id: stanza.id ?? id, at })
  }

  /** Among the last messages with the peer: an older one is no longer worth the search. */
  async #find({ owner, peer, stanza, id }: Retracting, target: string): Promise<ArchiveItem | undefined> {
    // So `Stanza.toString` writes it: few messages have to be parsed.
    const name = ` id='${escapeAttribute(target)}'`
    let before = id
    for (let seen = 0; seen < SEARCHED; seen += PAGE) {
      const query = { with: peer.bare, before, limit: PAGE, newestFirst: true }
      const items = await this.#messages.find(owner.node ?? '', query)
      const found = items.find((item) => item.stanza.includes(name) && mayRetract(stanza, target, item, owner))
      const last = items.at(-1)
      if (found !== undefined || last === undefined || items.length < PAGE) return found
      before = last.id
    }
    return undefined
  }
}

/** Whether the message is the one meant, and from the same sender (XEP-0424 §5). */
function mayRetract(retraction: Stanza, target: string, item: ArchiveItem, owner: Jid): boolean {
  const original = Stanza.parse(item.stanza)
  // A retraction itself stays, or nobody would hear of it (§5).
  const isRetractable = retractedId(original) === undefined && !original.has('retracted', NS.retract)
  if (original.id !== target || !isRetractable) return false
  const sender = bareOf(retraction.from)
  if (sender !== bareOf(original.from)) return false
  // Those in a room share its bare JID.
  return sender === owner.bare || !isWhispered(original, retraction) || isSameOccupant(original, retraction)
}

function isWhispered(...stanzas: readonly Stanza[]): boolean {
  return stanzas.some((stanza) => stanza.has('x', NS.mucUser) || stanza.has('occupant-id', NS.occupantId))
}

function isSameOccupant(one: Stanza, other: Stanza): boolean {
  const id = (stanza: Stanza) => stanza.child('occupant-id', NS.occupantId)?.attrs['id']
  return one.from === other.from && id(one) === id(other)
}

/** Archived addresses are prepared. */
function bareOf(address: string | undefined): string | undefined {
  return address?.split('/', 1)[0]
}

/** Retractions in one archive that wait, the count of which begins anew when none does. */
const MOST_OPEN = 16
const PAGE = 100
const SEARCHED = 2000
