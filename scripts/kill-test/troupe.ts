/** Everybody in the kill test, and what they do in a round. */
import { setTimeout as pause } from 'node:timers/promises'
import type { TcpEndpoint } from '../../spec/play/tcp-wire.ts'
import { Actor, ROOM } from './actor.ts'
import type { Dice } from './dice.ts'
import { type Account, Ledger } from './ledger.ts'

/** The first has archives, as by default. The second has none: what is not delivered must be offline. */
export const DOMAINS = ['localhost', 'plain.localhost'] as const

/** As YAML, for the server. */
export const CONFIG = `
hosts:
  ${DOMAINS[0]}: {}
  ${DOMAINS[1]}: { modules: { mam: false } }
  rooms.localhost: { is: muc, default_persistent: true }
modules: { register: { open: true, per_hour: 1000 } }
c2s: { rate: unlimited }
`

/**
 * - `talks`: sends to everybody, and loses its connection now and then
 * - `listens`: is connected, and loses its connection now and then
 * - `away`: is cut off while messages come, and comes back when the server has been started again
 * - `absent`: has said goodbye before
 */
type Part = 'talks' | 'listens' | 'away' | 'absent'

const NODES: Readonly<Record<string, Part>> = {
  romeo: 'talks',
  mercutio: 'talks',
  juliet: 'listens',
  paris: 'away',
  nurse: 'absent',
}

/** How long the server may take for what it has to do when everybody is back. */
const SETTLING_MILLISECONDS = 10_000

/** How long it may take until what a client has confirmed is gone from storage. */
const FORGETTING_MILLISECONDS = 100

interface Member {
  readonly actor: Actor
  readonly part: Part
}

export class Troupe {
  readonly #endpoint: TcpEndpoint
  readonly #dice: Dice
  readonly #ledger = new Ledger()
  readonly #members: readonly Member[]
  #count = 0

  constructor(endpoint: TcpEndpoint, dice: Dice) {
    this.#endpoint = endpoint
    this.#dice = dice
    this.#members = DOMAINS.flatMap((domain) =>
      Object.entries(NODES).map(([node, part]) => {
        const person = { node, domain, resource: 'stage' }
        return { part, actor: new Actor({ person, ledger: this.#ledger, dice, isInRoom: part === 'talks' }) }
      }),
    )
  }

  async register(): Promise<void> {
    for (const { actor } of this.#members) await actor.client.register(this.#endpoint)
  }

  /** Everybody comes back; gives the account of what was sent since the last time. */
  async gather(): Promise<Account> {
    for (const { actor } of this.#members) await actor.arrive(this.#endpoint)
    await this.#until(() => this.#ofPart('talks').every(({ client }) => client.pending.length === 0))
    await this.#until(() => this.#ledger.isComplete)
    await this.#readArchives()
    for (const { actor } of this.#members) await actor.client.confirm()
    await pause(FORGETTING_MILLISECONDS)
    return this.#ledger.close()
  }

  /** Everybody plays their part until `end` resolves, which is when the server is no more. */
  async play(end: Promise<void>): Promise<void> {
    const over = new AbortController()
    for (const { client } of this.#ofPart('absent')) client.leave()
    const parts = [
      ...this.#ofPart('talks').map((actor) => this.#talk(actor, over.signal)),
      ...[...this.#ofPart('talks'), ...this.#ofPart('listens')].map((actor) => this.#stumble(actor, over.signal)),
      ...this.#ofPart('away').map((actor) => this.#vanish(actor)),
    ]
    await end
    over.abort()
    await Promise.all(parts)
  }

  leave(): void {
    for (const { actor } of this.#members) actor.client.drop()
  }

  #ofPart(part: Part): readonly Actor[] {
    return this.#members.filter((member) => member.part === part).map(({ actor }) => actor)
  }

  async #talk(actor: Actor, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      for (let n = this.#dice.between(1, 8); n > 0 && actor.client.isReady; n--) this.#saySomething(actor)
      if (this.#dice.happens(0.5)) actor.client.askForAck()
      await pause(this.#dice.between(0, 12))
    }
  }

  #saySomething(actor: Actor): void {
    const { bare } = actor.client
    const id = `${bare} ${++this.#count}`
    if (this.#dice.happens(0.2)) {
      actor.say({ id, archives: [ROOM], addressee: undefined }, ROOM)
      return
    }
    const to = this.#dice.pick(this.#members.filter((member) => member.actor !== actor)).actor.client.bare
    actor.say({ id, archives: [bare, to].filter(isArchived), addressee: to }, to)
  }

  /** Loses the connection, and comes back a little later. */
  async #stumble(actor: Actor, over: AbortSignal): Promise<void> {
    await pause(this.#dice.between(0, 600))
    if (over.aborted || this.#dice.happens(0.5)) return
    actor.client.drop()
    await pause(this.#dice.between(0, 100))
    try {
      if (!over.aborted) await actor.arrive(this.#endpoint)
    } catch {
      // The server was quicker in going. Everybody comes back to the next one.
    }
  }

  async #vanish(actor: Actor): Promise<void> {
    await pause(this.#dice.between(0, 300))
    actor.client.drop()
  }

  async #until(isDone: () => boolean): Promise<void> {
    const deadline = performance.now() + SETTLING_MILLISECONDS
    while (!isDone() && performance.now() < deadline) {
      for (const { client } of this.#ofPart('talks')) if (client.pending.length > 0) client.askForAck()
      await pause(20)
    }
  }

  async #readArchives(): Promise<void> {
    for (const { actor } of this.#members) {
      if (!isArchived(actor.client.bare)) continue
      for (const { id, archiveId } of await actor.archived()) this.#ledger.kept(id, actor.client.bare, archiveId)
    }
    const [reader] = this.#ofPart('talks')
    for (const { id, archiveId } of (await reader?.archived(ROOM)) ?? []) this.#ledger.kept(id, ROOM, archiveId)
  }
}

function isArchived(bare: string): boolean {
  return bare.endsWith(`@${DOMAINS[0]}`)
}
