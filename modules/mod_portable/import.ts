/** Makes accounts of what stands in a file. */
import { AccountError } from '../../server/auth/accounts.ts'
import { MalformedPassword } from '../../server/auth/password.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import { Jid } from '../../server/jid/jid.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { StorageError } from '../../storage/storage-error.ts'
import type { Part } from './part.ts'
import type { Piece } from './reader.ts'

export class Import {
  readonly #host: ModuleHost<'accounts'>
  readonly #parts: readonly Part[]
  /** How many things there were, by what they are called. */
  readonly #counts = new Map<string, number>()
  readonly #lines: string[] = []
  readonly #waiting: Promise<void>[] = []
  #made = 0
  /** Whose things come; undefined if they are passed over. */
  #account: Jid | undefined

  constructor(host: ModuleHost<'accounts'>, parts: readonly Part[]) {
    this.#host = host
    this.#parts = parts
  }

  async take({ host, user, attrs, list, element }: Piece): Promise<void> {
    if (element === undefined) {
      this.#account = await this.#begin(host, user, attrs.get('password'))
      return
    }
    if (this.#account === undefined) return
    for (const part of this.#parts) {
      const read = part.read(this.#account, element, list)
      if (read === undefined) continue
      const counted = read.then(
        (count) => this.#count(part.things, count),
        (error: unknown) => {
          if (!isRefusal(error)) throw error
          this.#count(`refused of the ${part.things}`, 1)
        },
      )
      // What is in a long list is written many at a time; a first failure is told when they are waited for.
      if (list === undefined) await counted
      else await this.#waitLater(counted)
      return
    }
    this.#count(`elements <${element.name}/> of ${element.ns} passed over`, 1)
  }

  /** Resolves when everything that was taken is durable. */
  async settled(): Promise<void> {
    await Promise.all(this.#waiting.splice(0))
  }

  async #waitLater(counted: Promise<void>): Promise<void> {
    counted.catch(() => {})
    if (this.#waiting.push(counted) >= MOST_WAITING) await this.settled()
  }

  /** What was done, in lines. */
  *report(): Generator<string> {
    yield* this.#lines
    yield `${this.#made} accounts made`
    for (const [things, count] of this.#counts) yield `${count} ${things}`
  }

  #count(things: string, count: number): void {
    this.#counts.set(things, (this.#counts.get(things) ?? 0) + count)
  }

  async #begin(host: string, user: string, password: string | undefined): Promise<Jid | undefined> {
    const jid = Jid.tryParse(`${user}@${host}`)
    if (jid?.node === undefined || jid.domain !== this.#host.domain) {
      this.#say(`${user}@${host} is not of this host`)
      return undefined
    }
    const accounts = this.#host.service('accounts')
    try {
      // Without a password it has the keys that will follow.
      await (password === undefined ? accounts.createWith(jid.node, {}) : accounts.create(jid.node, password))
      this.#made++
      return jid
    } catch (error) {
      if (!(error instanceof AccountError || error instanceof MalformedPassword)) throw error
      this.#say(`${jid.bare}: ${error.message}`)
      return undefined
    }
  }

  #say(line: string): void {
    if (this.#lines.length < MOST_LINES) this.#lines.push(line)
  }
}

/** Whether something cannot be kept here, and the rest can. */
function isRefusal(error: unknown): boolean {
  return error instanceof StanzaError || (error instanceof StorageError && error.reason === 'invalid')
}

/** Of a file with thousands of accounts that cannot be made, some say enough. */
const MOST_LINES = 100
const MOST_WAITING = 500
