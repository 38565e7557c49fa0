/** What owners of rooms have set about how long messages stay: noted, since a room may be out of memory when they are to go. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { KeyvalStore } from '../../storage/store.ts'
import { archiveDays } from './options.ts'

/** `wished` has seconds, by the node of the room. */
export function setupWishes(host: ModuleHost<'muc'>, wished: KeyvalStore<number>): void {
  host.on('muc/configured', ({ room, keys }) => {
    if (!keys.includes(archiveDays.key)) return
    const days = room.get(archiveDays)
    const seconds = days === 0 ? undefined : days * DAY_SECONDS
    host.spawn('note when messages expire', () => wished.set(room.node, seconds))
  })
}

const DAY_SECONDS = 86_400
