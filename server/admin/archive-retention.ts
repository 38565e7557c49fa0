/** XEP-0313 §3.2: archives forget, the oldest first. How long and how much is kept, of whose archive, and commands for it. */
import type { ArchiveStore, KeyvalStore, Owner } from '../../storage/store.ts'
import { CommandError } from './command.ts'
import { t } from '../config/types.ts'
import { formatDuration, formatSize } from '../config/units.ts'
import type { ModuleHost } from '../host/host.ts'
import type { Jid } from '../jid/jid.ts'
import type { ArchiveReader } from '../protocol/archive-reader.ts'

/** Infinity where there is no limit. */
export interface ArchiveLimits {
  readonly ageSeconds: number
  readonly messages: number
}

/** What an admin has set for one archive, instead of what is usual. */
export interface OwnLimits {
  readonly ageSeconds?: number | 'unlimited'
  readonly messages?: number | 'unlimited'
}

export interface Retained {
  readonly messages: ArchiveStore
  readonly reader: ArchiveReader
  readonly limits: KeyvalStore<OwnLimits>
  readonly usual: ArchiveLimits
  /** Seconds that an owner has asked for, if messages are to go earlier. */
  readonly wished?: KeyvalStore<number> | undefined
}

/** Forgets each hour, and when an admin says so. */
export function setupRetention(host: ModuleHost, retained: Retained): void {
  const { messages, reader, limits } = retained
  const retention = new Retention(retained, () => host.clock.now())

  host.every('hour', 'expire messages', async (signal) => {
    const count = await retention.expire(signal)
    if (count > 0) host.log.info('messages expired', { count })
  })

  host.command({
    name: 'archive expire',
    about: 'removes the messages that are too old or too many, as is done each hour',
    role: 'operator',
    args: {},
    run: async (_, report) => report(`${await retention.expire()} messages removed`),
  })

  host.command({
    name: 'archive purge',
    about: 'removes messages of an account or a room: all, or those that are older than so long',
    role: 'admin',
    args: { jid: t.jid(), older_than: t.duration().default(0) },
    async run({ jid, older_than: seconds }, report) {
      const owner = ownerOf(jid)
      const count = await messages.remove(owner, seconds === 0 ? {} : { end: retention.ago(seconds) })
      reader.forget(owner)
      report(`${count} messages removed`)
    },
  })

  host.command({
    name: 'archive size',
    about: 'tells how much is in an archive and what its limits are, or which archives are the greatest',
    role: 'admin',
    args: { jid: t.jid().optional() },
    async run({ jid }, report) {
      if (jid === undefined) return reportGreatest(report)
      const owner = ownerOf(jid)
      const { items, bytes } = await messages.size(owner)
      const [oldest] = await messages.find(owner, { limit: 1 })
      const since = oldest === undefined ? '' : `, since ${oldest.when.toISOString().slice(0, 10)}`
      report(
        `${jid.bare}: ${items} messages, ${roundedSize(bytes)}${since}; ${described(await retention.limitsOf(owner))}`,
      )
    },
  })

  host.command({
    name: 'archive limit',
    about: 'says how long and how many messages are kept of one archive; as usual, if it says neither',
    role: 'admin',
    args: {
      jid: t.jid(),
      max_age: t.duration({ min: 1 }).optional(),
      max_messages: t.integer({ min: 0 }).optional().describe('0: as many as come'),
    },
    async run({ jid, max_age: age, max_messages: count }, report) {
      const owner = ownerOf(jid)
      const own: OwnLimits = {
        ...(age !== undefined && { ageSeconds: age === Infinity ? 'unlimited' : age }),
        ...(count !== undefined && { messages: count === 0 ? 'unlimited' : count }),
      }
      await limits.set(owner, Object.keys(own).length === 0 ? undefined : own)
      report(`${jid.bare}: ${described(await retention.limitsOf(owner))}`)
    },
  })

  function ownerOf(jid: Jid): Owner {
    if (jid.node === undefined || jid.domain !== host.domain) throw new CommandError(`no archive of ${host.domain}`)
    return jid.node
  }

  async function reportGreatest(report: (line: string) => void): Promise<void> {
    const counts: (readonly [Owner, number])[] = []
    for await (const owner of messages.owners()) counts.push([owner, await messages.count(owner, {})])
    const greatest = counts.filter(([, count]) => count > 0).toSorted(([, a], [, b]) => b - a)
    const total = greatest.reduce((sum, [, count]) => sum + count, 0)
    report(`${total} messages in ${greatest.length} archives`)
    for (const [owner, count] of greatest.slice(0, GREATEST)) report(`${owner}@${host.domain} ${count}`)
  }
}

class Retention {
  readonly #retained: Retained
  readonly #now: () => number

  constructor(retained: Retained, now: () => number) {
    this.#retained = retained
    this.#now = now
  }

  /** Removes what is too old or too much; gives how many. One archive after another, each in portions. */
  async expire(signal?: AbortSignal): Promise<number> {
    let removed = 0
    for await (const owner of this.#limited()) {
      if (signal?.aborted === true) break
      removed += await this.#expireOf(owner)
    }
    return removed
  }

  async limitsOf(owner: Owner): Promise<ArchiveLimits> {
    const { limits, usual, wished } = this.#retained
    const { ageSeconds = usual.ageSeconds, messages = usual.messages } = (await limits.get(owner)) ?? {}
    const wish = (await wished?.get(owner)) ?? Infinity
    return { ageSeconds: Math.min(unlimited(ageSeconds), wish), messages: unlimited(messages) }
  }

  ago(seconds: number): Date {
    return new Date(this.#now() - seconds * 1000)
  }

  async #expireOf(owner: Owner): Promise<number> {
    const { messages, reader } = this.#retained
    const limits = await this.limitsOf(owner)
    const old = limits.ageSeconds === Infinity ? 0 : await messages.remove(owner, { end: this.ago(limits.ageSeconds) })
    const surplus = limits.messages === Infinity ? 0 : await messages.trim(owner, limits.messages)
    if (old + surplus > 0) reader.forget(owner)
    return old + surplus
  }

  /** Those whose archives have a limit: everybody, or those for whom one was set. */
  async *#limited(): AsyncGenerator<Owner> {
    const { messages, limits, usual, wished } = this.#retained
    if (usual.ageSeconds < Infinity || usual.messages < Infinity) {
      yield* messages.owners()
      return
    }
    yield* limits.owners()
    // Who is in both is looked at twice.
    if (wished !== undefined) yield* wished.owners()
  }
}

function unlimited(limit: number | 'unlimited'): number {
  return limit === 'unlimited' ? Infinity : limit
}

function described({ ageSeconds, messages }: ArchiveLimits): string {
  const age = ageSeconds === Infinity ? 'messages stay' : `messages stay for ${formatDuration(ageSeconds)}`
  return messages === Infinity ? age : `${age}, and there are at most ${messages}`
}

function roundedSize(bytes: number): string {
  return bytes < 1024 * 1024 ? formatSize(bytes) : `${Math.round(bytes / 1024 / 1024)} MiB`
}

const GREATEST = 10
