/** XEP-0500: MUC Slow Mode. People wait between two messages. */
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import { StanzaError } from '../server/stanza-error.ts'
import type { RoomOption } from './mod_muc/options.ts'
import type { Room } from './mod_muc/room.ts'

/** The longest that people can be made to wait, in seconds. */
const LONGEST = 86_400

export default defineModule({
  name: 'muc_slow_mode',
  about: 'lets people in rooms wait between two messages',
  xeps: { 500: '0.1.1' },
  on: ['muc'],
  depends: ['muc'],
  config: {
    default_seconds: t
      .integer({ min: 0, max: LONGEST })
      .default(0)
      .describe('Seconds that people in a new room wait between two messages.'),
  },

  setup(host, { config }) {
    const duration: RoomOption<number> = {
      key: 'slow_mode',
      initial: config.default_seconds,
      section: 'permissions',
      field: {
        type: 'text-single',
        var: 'muc#roomconfig_slow_mode_duration',
        label: 'Slow mode',
        desc: 'Seconds that everybody but admins waits between two messages; 0 for none.',
        validation: { datatype: 'xs:integer', range: { min: 0, max: LONGEST } },
      },
      info: (value) => [
        { field: { type: 'text-single', var: 'muc#roominfo_slow_mode_duration', label: 'Slow mode' }, value },
      ],
    }
    host.provide('room-option', duration)
    /** When people spoke last, by bare JID, in milliseconds since 1970: of as many as matter. */
    const spoke = new WeakMap<Room, Map<string, number>>()

    // The last to refuse: a message that is refused is none.
    host.on(
      'muc/message',
      ({ room, occupant, stanza }) => {
        const seconds = room.get(duration)
        if (seconds === 0 || !stanza.has('body')) return
        const { bare } = occupant.bare
        if (host.service('muc').isAtLeast(room.affiliationOf(occupant), 'admin')) return
        const now = host.clock.now()
        const times = timesIn(room, now - seconds * 1000)
        if (times.has(bare)) {
          const text = `You have to wait ${seconds} seconds between messages in this room. Please try again later.`
          throw new StanzaError('policy-violation', text, { type: 'wait' })
        }
        times.set(bare, now)
      },
      'rewrite',
    )

    /** The times that are later than `since`, the oldest first. */
    function timesIn(room: Room, since: number): Map<string, number> {
      const times = spoke.get(room) ?? new Map<string, number>()
      spoke.set(room, times)
      for (const [bare, at] of times) {
        if (at > since) break
        times.delete(bare)
      }
      return times
    }
  },
})
