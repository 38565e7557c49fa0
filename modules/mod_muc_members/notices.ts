/** Tells the hosts of registered members who are away what is said in their rooms, so that they can wake them up. */
import type { Chain } from '../../server/host/hooks.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import type { ListField } from '../../server/protocol/form-field.ts'
import { isWorthKeeping } from '../../server/protocol/archive-content.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { inSlices } from '../../server/util/slices.ts'
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

/** A message in a room, as the host of somebody has seen it who is there with a client. */
export interface HeardMessage {
  /** Bare. */
  readonly account: Jid
  /** Of the host on which the hook is fired. */
  readonly room: Jid
  readonly stanza: Stanza
  /** Whoever knows the room says whether the account is meant, whether it has said that itself, and what it wants to hear. */
  isMention: boolean
  isOwn: boolean
  wish: Wish
}

declare module '../../server/host/events.ts' {
  interface HostHooks {
    /** Fired on the host of the room, by that of an account: who wants to know whether to wake up one of its clients. */
    'push/heard-in-room': Chain<HeardMessage>
    /** Fired on the host of the account. Stage `rewrite` may change the wish, `deliver` wakes the account up. */
    'push/room-message': Chain<AwayMessage>
  }
}

/** Somebody who has registered with a room. */
interface Registered {
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
  /** Of rooms in which something was said: who has registered there, and has an account on this server. */
  const registered = new WeakMap<Room, readonly Registered[]>()
  const reading = new WeakMap<Room, Promise<readonly Registered[]>>()
  host.on('muc/affiliated', ({ room }) => {
    registered.delete(room)
    reading.delete(room)
  })

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
      if (registered.get(room)?.every(({ jid }) => room.isPresent(jid.bare)) === true) return
      const kept = stanza.keep()
      host.spawn('tell members who are away', () => tell(room, kept))
    },
    'copy',
  )

  host.on('push/heard-in-room', async (heard) => {
    const { account, stanza } = heard
    const room = await host.service('muc').rooms.find(heard.room.node ?? '')
    if (room === undefined) return
    const nicks = room.occupantsOf(account.bare).map(({ nick }) => nick)
    const addresses = nicks.map((nick) => `${room.jid.full}/${nick}`)
    const said = saidIn(stanza)
    heard.isOwn = addresses.includes(stanza.from ?? '')
    heard.isMention = nicks.some((nick) => isMentioned(said, nick, account.bare, ...addresses))
    heard.wish = (await wishes.get(room.node, account.bare)) ?? usualWish(room)
  })

  function registeredIn(room: Room): Maybe<readonly Registered[]> {
    const known = registered.get(room) ?? reading.get(room)
    if (known !== undefined) return known
    const found = read(room).then((all) => {
      // Unless something has changed meanwhile.
      if (reading.get(room) === found) registered.set(room, all)
      return all
    })
    reading.set(room, found)
    return found
  }

  async function read(room: Room): Promise<readonly Registered[]> {
    const ours = new Set(host.siblings('local'))
    const found: Registered[] = []
    await inSlices([...room.affiliates.entries()], ([bare, { affiliation, nick }]) => {
      const jid = affiliation === 'outcast' || nick === undefined ? undefined : host.parseJid(bare)
      if (jid !== undefined && nick !== undefined && ours.has(jid.domain)) found.push({ jid, nick })
    })
    return found
  }

  async function tell(room: Room, stanza: Stanza): Promise<void> {
    const away = (await registeredIn(room)).filter(({ jid }) => !room.isPresent(jid.bare))
    if (away.length === 0) return
    const said = saidIn(stanza)
    const wanted = await wishes.all(room.node)
    const usual = usualWish(room)
    const told: Maybe<unknown>[] = []
    await inSlices(away, ({ jid, nick }) => {
      const isMention = isMentioned(said, nick, jid.bare, `${room.jid.full}/${nick}`)
      const wish = wanted.get(jid.bare) ?? usual
      told.push(host.fireAt(jid.domain, 'push/room-message', { account: jid, room: room.jid, stanza, isMention, wish }))
    })
    await Promise.all(told)
  }
}
