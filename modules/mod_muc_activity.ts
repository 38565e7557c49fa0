/** XEP-0502: MUC Activity Indicator. How much is said in public rooms. */
import { defineModule } from '../server/host/module.ts'
import { NS } from '../server/xml/ns.ts'
import type { RoomValue } from './mod_muc/options.ts'
import type { Room } from './mod_muc/room.ts'

const HOUR_MILLISECONDS = 3_600_000
/** So long ago something still counts (§5). */
const HOURS = 24

/** What was said in the last hours, as it is stored with the room. */
interface Activity {
  /** Of the last count: hours since 1970. */
  readonly hour: number
  /** Messages of each hour, the last one first. */
  readonly counts: readonly number[]
  /** Since when they are counted: hours since 1970. */
  readonly since: number
}

const activity: RoomValue<Activity | undefined> = { key: 'activity', initial: undefined }

export default defineModule({
  name: 'muc_activity',
  about: 'tells how much is said in public rooms',
  xeps: { 502: '0.1.0' },
  on: ['muc'],
  depends: ['muc'],

  setup(host) {
    const { rooms } = host.service('muc')
    /** Messages of this hour, of rooms in which there were any, by node. */
    const current = new Map<string, number>()

    host.on(
      'muc/message',
      ({ room, stanza }) => {
        // A correction is no other message (§4).
        if (stanza.has('body') && !stanza.has('replace', NS.correction) && isTold(room)) {
          current.set(room.node, (current.get(room.node) ?? 0) + 1)
        }
      },
      'copy',
    )
    host.on('muc/destroyed', ({ room }) => void current.delete(room.node))

    host.every('hour', 'count the messages of an hour', async () => {
      const counted = [...current]
      current.clear()
      for (const [node, count] of counted) await note(node, count)
    })

    host.on('muc/room-info', (told) => {
      const { room } = told
      const known = isTold(room) ? room.get(activity) : undefined
      const rate = known && rateOf(known, hourOf(host.clock.now()))
      if (rate === undefined) return
      const field = {
        type: 'text-single',
        var: '{urn:xmpp:muc-activity}message-activity',
        label: 'Messages per hour',
      } as const
      told.fields = [...told.fields, { field, value: rate.toFixed(2) }]
    })

    /** Stored once in an hour, and only if something was said. */
    async function note(node: string, count: number): Promise<void> {
      await rooms.visit(
        node,
        (room) => add(room, count),
        () => {},
      )
    }

    async function add(room: Room, count: number): Promise<void> {
      const now = hourOf(host.clock.now())
      const known = room.get(activity) ?? { hour: now - 1, counts: [], since: now - 1 }
      const missed = Array.from<number>({ length: Math.min(Math.max(now - known.hour - 1, 0), HOURS) }).fill(0)
      const counts = [count, ...missed, ...known.counts].slice(0, HOURS)
      await room.setValues(new Map([[activity.key, { ...known, hour: now, counts }]]))
    }
  },
})

function hourOf(milliseconds: number): number {
  return Math.floor(milliseconds / HOUR_MILLISECONDS)
}

/** Messages per hour; undefined if that is not known yet. */
function rateOf({ hour, counts, since }: Activity, now: number): number | undefined {
  const hours = Math.min(now - since, HOURS)
  if (hours < 1) return undefined
  const recent = counts.slice(0, Math.max(HOURS - (now - hour), 0))
  return recent.reduce((sum, count) => sum + count, 0) / hours
}

/** Of rooms that are hidden, or not for everybody, nothing is told (§3.1, §9). */
function isTold(room: Room): boolean {
  const isPublic = room.get({ key: 'public' }) === true && room.get({ key: 'persistent' }) === true
  return isPublic && room.get({ key: 'members_only' }) !== true && room.get({ key: 'password_protected' }) !== true
}
