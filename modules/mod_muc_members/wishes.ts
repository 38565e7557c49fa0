/** XEP-0492: of which messages somebody wants to hear who is away. */
import type { Room } from '../mod_muc/room.ts'

export const wishes = ['always', 'on-mention', 'never'] as const
export type Wish = (typeof wishes)[number]

/** What holds for those who have not said: all of what is said in private, and in public only what is said to them (§3). */
export function usualWish(room: Room): Wish {
  const isPrivate = room.get({ key: 'members_only' }) === true && room.get({ key: 'public' }) !== true
  return isPrivate ? 'always' : 'on-mention'
}

export function parseWish(text: unknown): Wish | undefined {
  return wishes.find((known) => known === text)
}
