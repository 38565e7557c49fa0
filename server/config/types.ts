/** The vocabulary in which options are declared: `expire_after: t.duration().default(WEEK).describe('…')`. */
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { z } from 'zod'
import { Jid, JidError } from '../jid/jid.ts'
import { formatListenAddress, parseListenAddress, type ListenAddress } from './listen-address.ts'
import { SettleError, type Facts, type Fields, type Option, type OptionsOf, type Surroundings } from './option.ts'
import { Secret } from './secret.ts'
import { formatDuration, formatRate, formatSize, parseDuration, parseRate, parseSize } from './units.ts'

export type { Fields, Option, OptionsOf } from './option.ts'

interface Bounds {
  readonly min?: number
  readonly max?: number
}

/**
 * Each gives the type of an option; `.default(value)` says what holds when it
 * is not written, `.optional()` that it may be undefined then, `.describe(text)`
 * what it is for. An option with none of the first two must be written.
 */
export const t = {
  boolean: (): Option<boolean> =>
    known(z.boolean({ error: 'expected true or false' }), { expects: 'true or false', field: 'boolean' }),

  string: (): Option<string> => known(z.string({ error: 'expected text' }), { expects: 'text' }),

  /** Text of one or more lines, not empty. */
  lines: (): Option<string> =>
    known(z.string({ error: 'expected text' }).min(1, { error: 'expected text' }), {
      expects: 'text',
      field: 'text-multi',
    }),

  /** From 0 unless `min` says otherwise. */
  integer: ({ min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds = {}): Option<number> => {
    const expects = `a whole number${range(min, max, String)}`
    const error = `expected ${expects}`
    return known(z.int({ error }).min(min, { error }).max(max, { error }), { expects })
  },

  oneOf: <const V extends string>(...values: readonly [V, ...V[]]): Option<V> => {
    const expects = values.length === 1 ? values[0] : `one of ${values.join(', ')}`
    return known(z.enum(values, { error: `expected ${expects}` }), { expects })
  },

  /** In seconds; "never" is Infinity, which a finite `max` rules out. */
  duration: ({ min = 0, max = Infinity }: Bounds = {}): Option<number> =>
    text(parseDuration, {
      expects: `a duration such as "10 minutes"${range(min, max, formatDuration)}${max === Infinity ? ', or "never"' : ''}`,
      written: formatDuration,
      accepts: (seconds) => seconds >= min && seconds <= max,
    }),

  /** In bytes; a plain number is bytes too. */
  size: ({ min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds = {}): Option<number> =>
    text((written) => parseSize(written.replace(/^\s*\d+\s*$/, '$& bytes')), {
      expects: `a size such as "10 MiB"${range(min, max, formatSize)}`,
      written: formatSize,
      accepts: (bytes) => bytes >= min && bytes <= max,
      numbers: true,
    }),

  /** In bytes per second; "unlimited" is Infinity. */
  rate: (): Option<number> =>
    text(parseRate, {
      expects: 'a rate such as "64 KB/s", or "unlimited"',
      written: formatRate,
      accepts: (rate) => rate > 0,
    }),

  list: <T>(items: Option<T>): Option<readonly T[]> =>
    known(z.array(items, { error: 'expected a list' }), { expects: 'a list', items }),

  /** A section whose names the admin chooses. */
  map: <T>(values: Option<T>): Option<ReadonlyMap<string, T>> => {
    const record = z.record(z.string(), values, { error: 'expected a section' })
    const expects = 'a section'
    return known(
      record.transform((section) => new Map(Object.entries(section))),
      { expects, values },
    )
  },

  /** A section; not written, it is empty, so that its options have their defaults. */
  object: <const F extends Fields>(fields: F): Option<OptionsOf<F>> => {
    const section = known(z.strictObject(fields, { error: 'expected a section' }), { expects: 'a section', fields })
    // Zod knows the output of each field as `z.output` does, but cannot see it through the generic `F`.
    return section.prefault({}) as unknown as Option<OptionsOf<F>>
  },

  /** A bare JID with a node. */
  jid: (): Option<Jid> =>
    text(
      (written) => {
        const jid = parseJid(written)
        return jid?.node !== undefined && jid.resource === undefined ? jid : undefined
      },
      { expects: 'a JID such as juliet@verona.example', written: (jid) => jid.bare, field: 'jid-single' },
    ),

  /** An account, or one of its clients: a JID with a node, bare or full. */
  client: (): Option<Jid> =>
    text(
      (written) => {
        const jid = parseJid(written)
        return jid?.node === undefined ? undefined : jid
      },
      { expects: 'a JID such as juliet@verona.example/phone', written: (jid) => jid.full, field: 'jid-single' },
    ),

  /** A domain, prepared as in a JID. */
  domain: (): Option<string> =>
    text(
      (written) => {
        const jid = parseJid(written)
        return jid !== undefined && jid.full === jid.domain ? jid.domain : undefined
      },
      { expects: 'a domain such as verona.example' },
    ),

  /** 0 is any port that is free. */
  port: (): Option<number> => t.integer({ min: 0, max: 65_535 }),

  address: (): Option<ListenAddress> =>
    text((written) => parseListenAddress(written), {
      expects: 'a port, an address such as "127.0.0.1:5222" or "[::1]:5222", or "unix:/path"',
      written: writeAddress,
      settle: (address, { folder }) => ('path' in address ? { path: resolve(folder, address.path) } : address),
      numbers: true,
    }),

  /** An IP address, or a range of them. */
  network: (): Option<string> =>
    text((written) => (isNetwork(written) ? written : undefined), {
      expects: 'an address, or a range such as 10.0.0.0/8',
    }),

  /** An absolute URL of http or https. */
  url: (): Option<string> =>
    text((written) => (/^https?:\/\//i.test(written) && URL.canParse(written) ? written : undefined), {
      expects: 'a URL such as https://chat.verona.example/',
    }),

  /** Absolute; a relative one begins at the folder of the config file. */
  path: (): Option<string> =>
    text((written) => (written === '' ? undefined : written), {
      expects: 'a path',
      settle: (path, { folder }) => resolve(folder, path),
    }),

  /** The text itself, `{ file: path }` or `{ env: NAME }`. */
  secret: (): Option<Secret> => {
    const expects = 'text, { file: path } or { env: NAME }'
    const word = z.string({ error: 'expected text' }).min(1, { error: 'expected text' })
    const source = z.union([word, z.strictObject({ file: word }), z.strictObject({ env: word })], {
      error: `expected ${expects}`,
    })
    // Every check of a config ends with `settle`, which puts the secret in the place of its source.
    return known(source as unknown as Option<Secret>, { expects, secret: true, settle: fetchSecret })
  },
}

/** A secret as written: itself, or where it is. */
type SecretSource = string | { readonly file: string } | { readonly env: string }

/** How a value is made of a scalar. */
interface Reading<T> extends Facts {
  readonly written?: (value: T) => unknown
  readonly settle?: (value: T, surroundings: Surroundings) => T
  /** Bounds of the value; any is fine if absent. */
  readonly accepts?: (value: T) => boolean
  /** A number may be written as well as text. */
  readonly numbers?: true
}

function text<T>(read: (written: string) => T | undefined, { accepts, numbers, ...facts }: Reading<T>): Option<T> {
  const error = `expected ${facts.expects}`
  const scalar = numbers ? z.union([z.string(), z.number()], { error }) : z.string({ error })
  const value = scalar.transform((written, context) => {
    const found = read(String(written))
    if (found !== undefined && accepts?.(found) !== false) return found
    context.addIssue({ code: 'custom', message: error })
    return z.NEVER
  })
  return known(value, facts)
}

function known<T>(schema: Option<T>, facts: Facts): Option<T> {
  return schema.meta({ option: facts })
}

function isNetwork(written: string): boolean {
  const [address = '', prefix, ...more] = written.split('/')
  const bits = isIP(address) === 6 ? 128 : 32
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)
  return isIP(address) !== 0 && isPrefix && more.length === 0
}

function range(min: number, max: number, show: (bound: number) => string): string {
  if (max >= Number.MAX_SAFE_INTEGER) return min === 0 ? '' : `, ${show(min)} or more`
  return `, ${show(min)} to ${show(max)}`
}

function writeAddress(address: ListenAddress): string | number {
  const written = formatListenAddress(address)
  return /^\d+$/.test(written) ? Number(written) : written
}

function parseJid(written: string): Jid | undefined {
  try {
    return Jid.parse(written)
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}

function fetchSecret(source: SecretSource, around: Surroundings): Secret {
  if (typeof source === 'string') return new Secret(source)
  const [found, where] = 'env' in source ? [around.env[source.env], source.env] : [read(source.file), source.file]
  if (found === undefined) throw new SettleError(`there is no ${where} in the environment`)
  if (found === '') throw new SettleError(`${where} is empty`)
  return new Secret(found)

  function read(file: string): string {
    try {
      // Editors and `echo` end a file with a line break, which is no part of the secret.
      return around.readFile(resolve(around.folder, file)).replace(/\r?\n$/, '')
    } catch (cause) {
      throw new SettleError(`cannot read ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }
}
