/** XEP-0082: dates and times as XMPP writes them. */

/**
 * The instant that a DateTime names (XEP-0082 §3.2), to the millisecond; further digits are cut off. Undefined if the
 * text is none, names a day that does not exist, has no zone, or lies outside the years 1 to 9999.
 */
export function parseDateTime(text: string): Date | undefined {
  const [, day, time, fraction = '', zone] = DATE_TIME.exec(text) ?? []
  if (day === undefined || time === undefined || zone === undefined) return undefined
  const offsetMinutes = parseZone(zone)
  if (offsetMinutes === undefined) return undefined
  const local = new Date(`${day}T${time}.${fraction.slice(1, 4).padEnd(3, '0')}Z`)
  // Date turns the 30th of February into the 2nd of March.
  if (Number.isNaN(local.getTime()) || !local.toISOString().startsWith(day)) return undefined
  const instant = new Date(local.getTime() - offsetMinutes * MINUTE)
  return instant.getTime() >= EARLIEST && instant.getTime() <= LATEST ? instant : undefined
}

/** In UTC, since a zone tells where one is (XEP-0082 §6), with milliseconds. Throws RangeError for an invalid date. */
export function formatDateTime(instant: Date): string {
  return instant.toISOString()
}

const DATE_TIME = /^(\d{4}-\d\d-\d\d)T((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/

const MINUTE = 60_000
/** Of an offset from UTC (XML Schema Part 2 §3.2.7.3). */
const MOST_OFFSET_MINUTES = 14 * 60
const EARLIEST = Date.parse('0001-01-01T00:00:00Z')
const LATEST = Date.parse('9999-12-31T23:59:59.999Z')

/** Minutes ahead of UTC. */
function parseZone(zone: string): number | undefined {
  if (zone === 'Z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(4))
  const offset = hours * 60 + minutes
  if (minutes > 59 || offset > MOST_OFFSET_MINUTES) return undefined
  return zone.startsWith('-') ? -offset : offset
}
