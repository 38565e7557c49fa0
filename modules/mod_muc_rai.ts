/** XEP-0437: Room Activity Indicators. Members who are not in their rooms learn in which of them something was said. */
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import type { Jid } from '../server/jid/jid.ts'
import { isWorthKeeping } from '../server/protocol/archive-content.ts'
import { handled, type Handled, type StanzaEvent } from '../server/routed-stanza.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { message } from '../server/xml/build.ts'
import { xml } from '../server/xml/element.ts'
import type { Room } from './mod_muc/room.ts'

const NS_RAI = 'urn:xmpp:rai:0'

/** A client that wants to know. */
interface Subscription {
  readonly jid: Jid
  /** Rooms of which it has not been told yet. */
  readonly open: Set<string>
}

export default defineModule({
  name: 'muc_rai',
  about: 'tells members of rooms where something was said while they were away',
  xeps: { 437: '0.2.0' },
  on: ['muc'],
  depends: ['muc', 'muc_members'],
  config: {
    max_subscriptions: t.integer({ min: 1 }).default(50_000).describe('Clients that may wait for such news.'),
    max_rooms: t.integer({ min: 1 }).default(500).describe('Rooms of which one client is told.'),
  },

  setup(host, { config }) {
    const { rooms } = host.service('muc')
    const subscriptions = new Map<string, Subscription>()
    /** Who waits for news of a room, by its node. */
    const waiting = new Map<string, Set<Subscription>>()

    host.feature(NS_RAI)
    // Before the service answers that it takes no presence.
    host.on('incoming/presence', takePresence, 'copy')

    host.on(
      'muc/message',
      ({ room, stanza }) => {
        if (waiting.has(room.node) && isWorthKeeping(stanza)) tellAll(room)
      },
      'copy',
    )
    host.on('muc/left', ({ room, jid }) => {
      const subscription = subscriptions.get(jid.full)
      if (subscription !== undefined && mayHear(room, subscription)) wait(subscription, room.node)
    })
    host.on('muc/destroyed', ({ room }) => {
      for (const { open } of waiting.get(room.node) ?? []) open.delete(room.node)
      waiting.delete(room.node)
    })

    function takePresence(event: StanzaEvent): Handled | undefined {
      const { stanza, to, from } = event
      if (to.node !== undefined) return undefined
      if (stanza.type === 'unavailable' || stanza.type === 'error') {
        end(from)
        return undefined
      }
      if (stanza.type !== undefined || !stanza.has('rai', NS_RAI)) return undefined
      if (subscriptions.size >= config.max_subscriptions && !subscriptions.has(from.full))
        throw new StanzaError('resource-constraint', 'Too many clients wait for news')
      end(from)
      const subscription = { jid: from, open: new Set<string>() }
      subscriptions.set(from.full, subscription)
      host.spawn('tell of activity in rooms', () => begin(subscription))
      return handled
    }

    /** One message for all rooms in which something was said since they were there (§4). */
    async function begin(subscription: Subscription): Promise<void> {
      const active: string[] = []
      const memberships = await host.service('muc_members').of(subscription.jid.bare)
      for (const [node, { seenAt = 0 }] of [...memberships].slice(0, config.max_rooms)) {
        const room = await rooms.find(node)
        if (room === undefined || !mayHear(room, subscription)) continue
        if (subscriptions.get(subscription.jid.full) !== subscription) return
        if (room.sessions.has(subscription.jid.full)) continue
        if ((await lastSaidIn(room)) > seenAt) active.push(room.jid.full)
        else wait(subscription, node)
      }
      if (active.length > 0) tell(subscription, active)
    }

    async function lastSaidIn(room: Room): Promise<number> {
      const last = room.history.messages.at(-1)
      if (last !== undefined) return last.at
      const times = [0]
      for (const archive of host.items('room-archive')) {
        for await (const { at } of archive.newest(room)) {
          times.push(at)
          break
        }
      }
      return Math.max(...times)
    }

    function tellAll(room: Room): void {
      const waiters = waiting.get(room.node) ?? []
      waiting.delete(room.node)
      for (const subscription of waiters) {
        subscription.open.delete(room.node)
        if (!room.sessions.has(subscription.jid.full) && mayHear(room, subscription))
          tell(subscription, [room.jid.full])
      }
    }

    function tell({ jid }: Subscription, active: readonly string[]): void {
      const rai = xml('rai', { xmlns: NS_RAI }, ...active.map((room) => xml('activity', {}, room)))
      void host.sendTo(jid, message({ from: host.domain, to: jid.full }, rai), host.jid)
    }

    function wait(subscription: Subscription, node: string): void {
      subscription.open.add(node)
      const waiters = waiting.get(node) ?? new Set()
      waiters.add(subscription)
      waiting.set(node, waiters)
    }

    function end({ full }: Jid): void {
      const subscription = subscriptions.get(full)
      if (subscription === undefined) return
      subscriptions.delete(full)
      for (const node of subscription.open) {
        const waiters = waiting.get(node)
        waiters?.delete(subscription)
        if (waiters?.size === 0) waiting.delete(node)
      }
    }

    /** Of rooms to which one does not belong one hears nothing (§4). */
    function mayHear(room: Room, { jid }: Subscription): boolean {
      return host.service('muc').isAtLeast(room.affiliates.of(jid), 'member')
    }
  },
})
