/** XEP-0202: Entity Time. */
import { defineModule } from '../server/host/module.ts'
import { xml } from '../server/xml/element.ts'

const NS_TIME = 'urn:xmpp:time'

export default defineModule({
  name: 'time',
  about: 'tells the time',
  xeps: { 202: '2.0' },
  on: ['local', 'muc'],

  setup(host) {
    host.feature(NS_TIME)
    host.iq({ type: 'get', ns: NS_TIME, name: 'time', at: 'host' }, () => {
      const now = new Date(host.clock.now())
      return xml('time', { xmlns: NS_TIME }, xml('tzo', {}, offset(now)), xml('utc', {}, now.toISOString()))
    })
  },
})

/** The offset of local time from UTC, as XEP-0082 writes it: `+02:00`. */
function offset(now: Date): string {
  const minutes = -now.getTimezoneOffset()
  const pad = (part: number): string => String(Math.floor(part)).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${pad(Math.abs(minutes) / 60)}:${pad(Math.abs(minutes) % 60)}`
}
