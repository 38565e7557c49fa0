/** XEP-0313 §3.2: archives of rooms forget, the oldest first. */
import { t } from '../../server/config/types.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import type { ArchiveReader } from '../../server/protocol/archive-reader.ts'
import type { ArchiveStore, KeyvalStore } from '../../storage/store.ts'
import type { Room } from '../mod_muc/room.ts'
import { archiveDays } from './options.ts'

export interface Kept {
  readonly messages: ArchiveStore
  /** Days, by the node of a room whose owner has set them. */
  readonly expiry: KeyvalStore<number>
}

export interface Limits {
  /** In seconds; Infinity: messages do not grow too old. */
  readonly expire_after: number
  /** Of one room; undefined: as many as come. */
  readonly max_messages: number | undefined
}

const DAY_MILLISECONDS = 86_400_000

export function setupRetention(
  host: ModuleHost<'muc'>,
  { messages, expiry }: Kept,
  reader: ArchiveReader,
  { expire_after: seconds, max_messages: most }: Limits,
): void {
  host.on('muc/configured', ({ room, keys }) => {
    if (keys.includes(archiveDays.key)) note(room)
  })
  host.every('hour', 'expire messages of rooms', async (signal) => void (await expire(signal)))

  host.command({
    name: 'muc expire',
    about: 'removes messages from the archives of rooms that are too old or too many, as is done each hour',
    role: 'operator',
    args: {},
    run: async (_, report) => report(`${await expire()} messages removed`),
  })

  host.command({
    name: 'muc clear',
    about: 'removes all messages from the archive of a room',
    role: 'admin',
    args: { room: t.jid() },
    async run({ room }, report) {
      const count = await messages.remove(room.node ?? '', {})
      reader.forget(room.node ?? '')
      report(`${count} messages removed`)
    },
  })

  /** The room may be out of memory when its messages are to go. */
  function note(room: Room): void {
    const days = room.get(archiveDays)
    host.spawn('note when messages expire', () => expiry.set(room.node, days === 0 ? undefined : days))
  }

  /** Gives how many were removed. */
  async function expire(signal?: AbortSignal): Promise<number> {
    let count = seconds === Infinity ? 0 : await messages.remove(undefined, { end: ago(seconds * 1000) })
    if (count > 0) reader.forget()
    for await (const node of expiry.owners()) {
      if (signal?.aborted === true) return count
      const days = (await expiry.get(node)) ?? 0
      if (days > 0) count += forgotten(node, await messages.remove(node, { end: ago(days * DAY_MILLISECONDS) }))
    }
    for (const node of most === undefined ? [] : [...host.service('muc').rooms.nodes]) {
      if (signal?.aborted === true) return count
      count += forgotten(node, await trim(node, most ?? 0))
    }
    if (count > 0) host.log.info('messages of rooms expired', { count })
    return count
  }

  function ago(milliseconds: number): Date {
    return new Date(host.clock.now() - milliseconds)
  }

  function forgotten(node: string, count: number): number {
    if (count > 0) reader.forget(node)
    return count
  }

  /** Removes the oldest messages of a room, a batch at a time, until it has no more than `limit`. */
  async function trim(node: string, limit: number): Promise<number> {
    let surplus = (await messages.count(node, {})) - limit
    let removed = 0
    while (surplus > 0) {
      const oldest = await messages.find(node, { limit: Math.min(surplus, BATCH) })
      if (oldest.length === 0) break
      removed += await messages.remove(node, { ids: oldest.map(({ id }) => id) })
      surplus -= oldest.length
    }
    return removed
  }
}

/** Messages that are removed at once. */
const BATCH = 200
