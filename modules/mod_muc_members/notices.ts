/** Tells the hosts of registered members who are away what is said in their rooms, so that they can wake them up. */
import type { Chain } from '../../server/host/hooks.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import type { ListField } from '../../server/protocol/form-field.ts'
import { isWorthKeeping } from '../../server/protocol/archive-content.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { MapStore } from '../../storage/store.ts'
import type { Room } from '../mod_muc/room.ts'
import { isMentioned, saidIn } from './mentions.ts'
import { parseWish, usualWish, type Wish } from './wishes.ts'

/** Something was said in a room while a registered member of it was not there. */
export interface AwayMessage {
  /** Bare; of the host on which the hook is fired. */
  readonly account: Jid
  readonly room: Jid
  /** As it was shown to the room, with its stanza-id, but for the addressee. */
  readonly stanza: Stanza
  /** The member is meant. */
  readonly isMention: boolean
  /** Of what they want to hear: whoever knows better, as from their bookmarks (XEP-0492), puts that in its place. */
  wish: Wish
}

declare module '../../server/host/events.ts' {
  interface HostHooks {
    /** Fired on the host of the account. Stage `rewrite` may change the wish, `deliver` wakes the account up. */
    'push/room-message': Chain<AwayMessage>
  }
}

/** Somebody who has registered with a room, and is not in it. */
interface Absentee {
  readonly jid: Jid
  readonly nick: string
}

const field: ListField = {
  type: 'list-single',
  var: '{https://madrigal.im/protocol/muc}register_notify',
  label: 'Of what to be told while away',
  options: [
    { value: 'always', label: 'Of every message' },
    { value: 'on-mention', label: 'Of what is said to me' },
    { value: 'never', label: 'Of nothing' },
  ],
}

export function setupNotices(host: ModuleHost<'muc'>, wishes: MapStore<Wish>): void {
  /** Of rooms in which something was said; nearly always short, or empty. */
  const absentees = new WeakMap<Room, readonly Absentee[]>()
  const forget = ({ room }: { readonly room: Room }): void => void absentees.delete(room)
  host.on('muc/joined', forget)
  host.on('muc/left', forget)
  host.on('muc/affiliated', forget)

  host.provide('room-registration-field', {
    field,
    value: async (room, bare) => (await wishes.get(room.node, bare)) ?? usualWish(room),
    set: (room, bare, value) => wishes.set(room.node, bare, parseWish(value)),
  })

  // What has been archived by then has its stanza-id.
  host.on(
    'muc/message',
    ({ room, stanza }) => {
      if (room.isLocked || !isWorthKeeping(stanza)) return
      const away = absenteesOf(room)
      if (away.length > 0) host.spawn('tell members who are away', () => tell(room, stanza.keep(), away))
    },
    'copy',
  )

  function absenteesOf(room: Room): readonly Absentee[] {
    const known = absentees.get(room)
    if (known !== undefined) return known
    const found = [...localAbsentees(room)]
    absentees.set(room, found)
    return found
  }

  function* localAbsentees(room: Room): Iterable<Absentee> {
    const ours = new Set(host.siblings('local'))
    const present = new Set(room.sessions.values().map(({ jid }) => jid.bare))
    for (const [bare, { affiliation, nick }] of room.affiliates.entries()) {
      if (affiliation === 'outcast' || nick === undefined || present.has(bare)) continue
      const jid = host.parseJid(bare)
      if (ours.has(jid.domain)) yield { jid, nick }
    }
  }

  async function tell(room: Room, stanza: Stanza, away: readonly Absentee[]): Promise<void> {
    const said = saidIn(stanza)
    const wanted = await wishes.all(room.node)
    const usual = usualWish(room)
    await Promise.all(
      away.map(async ({ jid, nick }) => {
        const isMention = isMentioned(said, nick, jid.bare, `${room.jid.full}/${nick}`)
        const wish = wanted.get(jid.bare) ?? usual
        return host.fireAt(jid.domain, 'push/room-message', { account: jid, room: room.jid, stanza, isMention, wish })
      }),
    )
  }
}
