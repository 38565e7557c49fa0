/** XEP-0480: clients that know the password make the keys for hashes that an account lacks. */
import type { Accounts, StoredAccount } from '../../server/auth/accounts.ts'
import { HASHES, keysOf, newSalting, type Salting, type StoredCredentials } from '../../server/auth/credentials.ts'
import { hashFunctions, type HashName } from '../../server/auth/digest.ts'
import { SaslFailure } from '../../server/auth/sasl/sasl-failure.ts'
import { decodeBase64 } from '../../server/auth/sasl/text.ts'
import type { Random } from '../../server/util/random.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'

export const NS_UPGRADE = 'urn:xmpp:sasl:upgrade:0'
const NS_SCRAM_UPGRADE = 'urn:xmpp:scram-upgrade:0'

/** The hash of each task, the strongest first. Channel binding makes no difference (XEP-0480 §2.1). */
export const upgradeTasks: ReadonlyMap<string, HashName> = new Map(
  HASHES.toReversed().map((hash) => [`UPGR-SCRAM-${hash.toUpperCase()}`, hash]),
)

/** The tasks of one login, one after another. */
export class Upgrade {
  readonly #accounts: Accounts
  readonly #random: Random
  readonly #node: string
  /** As it was when the client proved that it knows the password. */
  #password: StoredCredentials
  /** Names of the tasks that are left; the first is due. */
  #tasks: readonly string[]
  /** What the client was told, while it computes. */
  #salting: Salting | undefined

  private constructor(
    accounts: Accounts,
    random: Random,
    node: string,
    password: StoredCredentials,
    tasks: readonly string[],
  ) {
    this.#accounts = accounts
    this.#random = random
    this.#node = node
    this.#password = password
    this.#tasks = tasks
  }

  /** Undefined if the account lacks nothing of what the client would do. */
  static plan(
    accounts: Accounts,
    random: Random,
    node: string,
    account: StoredAccount,
    wanted: readonly string[],
  ): Upgrade | undefined {
    const { credentials } = account
    const tasks = [...upgradeTasks]
      .filter(([name, hash]) => credentials[hash] === undefined && wanted.includes(name))
      .map(([name]) => name)
    return tasks.length === 0 ? undefined : new Upgrade(accounts, random, node, credentials, tasks)
  }

  /** Tells the client which task is due (XEP-0388 §2.6.3); undefined if none is left. `data` is what the mechanism says last. */
  due(data?: string): Element | undefined {
    const [task] = this.#tasks
    if (task === undefined) return undefined
    return xml(
      'continue',
      { xmlns: NS.sasl2 },
      data !== undefined && xml('additional-data', {}, data),
      xml('tasks', {}, xml('task', {}, task)),
    )
  }

  /** The client begins the task: it is told with what to salt (XEP-0480 §3). Throws SaslFailure. */
  begin(next: Element): Element {
    if (this.#salting !== undefined || next.attrs['task'] !== this.#tasks[0]) {
      throw new SaslFailure('malformed-request', 'That task is not due')
    }
    this.#salting = newSalting(this.#random)
    const { salt, iterations } = this.#salting
    const salting = xml('salt', { xmlns: NS_SCRAM_UPGRADE, iterations: String(iterations) }, salt)
    return xml('task-data', { xmlns: NS.sasl2 }, salting)
  }

  /** The client gives the SaltedPassword, and the next task is due when its keys are stored. Rejects with SaslFailure. */
  async finish(taskData: Element): Promise<void> {
    const hash = upgradeTasks.get(this.#tasks[0] ?? '')
    const salting = this.#salting
    const salted = decodeBase64(taskData.child('hash', NS_SCRAM_UPGRADE)?.getText().trim() ?? '')
    if (hash === undefined || salting === undefined) throw new SaslFailure('malformed-request', 'No task is under way')
    if (salted?.length !== hashFunctions[hash].bytes) {
      throw new SaslFailure('malformed-request', 'That is not as long as the hash')
    }
    const keys = keysOf(hash, salted, salting)
    // Whoever knew an old password has not proved anything of the one that came meanwhile.
    if (!(await this.#accounts.addKeys(this.#node, hash, keys, this.#password))) throw new SaslFailure('not-authorized')
    this.#password = { ...this.#password, [hash]: keys }
    this.#salting = undefined
    this.#tasks = this.#tasks.slice(1)
  }
}
