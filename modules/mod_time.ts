/** XEP-0202: Entity Time. */
import { defineModule } from '../server/host/module.ts'
import { formatDateTime } from '../server/protocol/date-time.ts'
import { type Element, xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'

export default defineModule({
  name: 'time',
  about: 'tells the time',
  xeps: { 202: '2.0' },
  on: ['local', 'muc', 'pubsub'],

  setup(host) {
    host.feature(NS.time)
    for (const at of ['host', 'self'] as const) {
      host.iq({ type: 'get', ns: NS.time, name: 'time', at }, () => timeElement(new Date(host.clock.now())))
    }
  },
})

function timeElement(now: Date): Element {
  return xml('time', { xmlns: NS.time }, xml('tzo', {}, offset(now)), xml('utc', {}, formatDateTime(now)))
}

/** The offset of local time from UTC, as XEP-0082 writes it: `+02:00`. */
function offset(now: Date): string {
  const minutes = -now.getTimezoneOffset()
  const pad = (part: number): string => String(Math.floor(part)).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${pad(Math.abs(minutes) / 60)}:${pad(Math.abs(minutes) % 60)}`
}
