/** Durations, sizes and rates as admins write them: "10 minutes", "10 MiB", "64 KB/s". */

/** In seconds, as all of these. */
export const MINUTE = 60
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
export const WEEK = 7 * DAY
/** Thirty days. */
export const MONTH = 30 * DAY
/** 365 days. */
export const YEAR = 365 * DAY

interface Unit {
  readonly name: string
  readonly value: number
  readonly also: readonly string[]
}

/** The largest first. */
const durations: readonly Unit[] = [
  { name: 'year', value: YEAR, also: ['years', 'y'] },
  { name: 'month', value: MONTH, also: ['months'] },
  { name: 'week', value: WEEK, also: ['weeks', 'w'] },
  { name: 'day', value: DAY, also: ['days', 'd'] },
  { name: 'hour', value: HOUR, also: ['hours', 'h'] },
  { name: 'minute', value: MINUTE, also: ['minutes', 'min'] },
  { name: 'second', value: 1, also: ['seconds', 'sec', 's'] },
]

const sizes: readonly Unit[] = [
  { name: 'TiB', value: 1024 ** 4, also: ['tib'] },
  { name: 'TB', value: 1000 ** 4, also: ['tb'] },
  { name: 'GiB', value: 1024 ** 3, also: ['gib'] },
  { name: 'GB', value: 1000 ** 3, also: ['gb'] },
  { name: 'MiB', value: 1024 ** 2, also: ['mib'] },
  { name: 'MB', value: 1000 ** 2, also: ['mb'] },
  { name: 'KiB', value: 1024, also: ['kib'] },
  { name: 'KB', value: 1000, also: ['kb'] },
  { name: 'bytes', value: 1, also: ['byte', 'b'] },
]

/** Seconds; "never" is Infinity. Several parts are added: "1 hour 30 minutes". Undefined if it is no duration. */
export function parseDuration(text: string): number | undefined {
  const words = text.trim().toLowerCase()
  if (words === 'never') return Infinity
  if (!/^(?:\d+(?:\.\d+)?\s*[a-z]+\s*)+$/.test(words)) return undefined
  let seconds = 0
  for (const [, count, name] of words.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g)) {
    const unit = unitNamed(durations, name)
    if (unit === undefined) return undefined
    seconds += Number(count) * unit.value
  }
  return seconds
}

/** The shortest exact words for so many seconds: 604800 is "1 week", 5400 "90 minutes", Infinity "never". */
export function formatDuration(seconds: number): string {
  if (seconds === Infinity) return 'never'
  const unit = durations.find(({ value }) => seconds >= value && seconds % value === 0)
  const count = unit === undefined ? seconds : seconds / unit.value
  return `${count} ${unit?.name ?? 'second'}${count === 1 ? '' : 's'}`
}

/** Bytes. KB is 1000 of them, KiB 1024. Undefined if it is no size. */
export function parseSize(text: string): number | undefined {
  const [, count, name] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text.trim()) ?? []
  const unit = unitNamed(sizes, name?.toLowerCase())
  return count === undefined || unit === undefined ? undefined : Math.round(Number(count) * unit.value)
}

/** The shortest exact words for so many bytes: 262144 is "256 KiB", 64000 "64 KB". */
export function formatSize(bytes: number): string {
  const unit = sizes.find(({ value }) => bytes >= value && bytes % value === 0)
  if (unit === undefined) return `${bytes} bytes`
  const count = bytes / unit.value
  return `${count} ${unit.name === 'bytes' && count === 1 ? 'byte' : unit.name}`
}

/** Bytes per second, of a size followed by "/s"; "unlimited" is Infinity. Undefined if it is no rate. */
export function parseRate(text: string): number | undefined {
  if (text.trim().toLowerCase() === 'unlimited') return Infinity
  const size = /^(.*)\/\s*s(?:ec|econd)?\s*$/i.exec(text)?.[1]
  return size === undefined ? undefined : parseSize(size)
}

/** As `formatSize`, per second. */
export function formatRate(bytesPerSecond: number): string {
  return bytesPerSecond === Infinity ? 'unlimited' : `${formatSize(bytesPerSecond)}/s`
}

function unitNamed(units: readonly Unit[], name: string | undefined): Unit | undefined {
  return units.find((unit) => unit.name === name || unit.also.some((other) => other === name))
}
