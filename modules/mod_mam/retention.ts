/** XEP-0313 §3.2: archives forget, the oldest first. */
import { t } from '../../server/config/types.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import type { ArchiveReader } from '../../server/protocol/archive-reader.ts'
import type { ArchiveStore } from '../../storage/store.ts'

export interface Limits {
  /** Infinity: messages do not grow too old. */
  readonly expireAfterSeconds: number
  /** Of one account; undefined: as many as come. */
  readonly maxMessages: number | undefined
}

export function setupRetention(
  host: ModuleHost<'accounts' | 'roster'>,
  messages: ArchiveStore,
  reader: ArchiveReader,
  { expireAfterSeconds, maxMessages }: Limits,
): void {
  host.every('hour', 'expire messages', async (signal) => {
    await expire(signal)
  })

  host.command({
    name: 'archive expire',
    about: 'removes the messages that are too old or too many, as is done each hour',
    role: 'operator',
    args: {},
    run: async (_, report) => report(`${await expire()} messages removed`),
  })

  host.command({
    name: 'archive clear',
    about: "removes an account's messages from the archive",
    role: 'admin',
    args: { jid: t.jid() },
    async run({ jid }, report) {
      const count = await messages.remove(jid.node ?? '', {})
      reader.forget(jid.node ?? '')
      report(`${count} messages removed`)
    },
  })

  /** Gives how many were removed. */
  async function expire(signal?: AbortSignal): Promise<number> {
    const count = (await expireOld()) + (await expireSurplus(signal))
    if (count > 0) {
      reader.forget()
      host.log.info('messages expired', { count })
    }
    return count
  }

  async function expireOld(): Promise<number> {
    if (expireAfterSeconds === Infinity) return 0
    return messages.remove(undefined, { end: new Date(host.clock.now() - expireAfterSeconds * 1000) })
  }

  async function expireSurplus(signal?: AbortSignal): Promise<number> {
    if (maxMessages === undefined) return 0
    let removed = 0
    for await (const node of host.service('accounts').list()) {
      if (signal?.aborted === true) break
      removed += await trim(node, maxMessages)
    }
    return removed
  }

  /** Removes the oldest messages of an account, a batch at a time, until it has no more than `most`. */
  async function trim(node: string, most: number): Promise<number> {
    let surplus = (await messages.count(node, {})) - most
    let removed = 0
    while (surplus > 0) {
      const oldest = await messages.find(node, { limit: Math.min(surplus, BATCH) })
      if (oldest.length === 0) break
      const gone = await messages.remove(node, { ids: oldest.map(({ id }) => id) })
      surplus -= oldest.length
      removed += gone
    }
    return removed
  }
}

/** Messages that are removed at once. */
const BATCH = 200
