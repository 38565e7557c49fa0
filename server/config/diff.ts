/** What a reloaded configuration changes. */
import { Jid } from '../jid/jid.ts'
import type { Config, HostConfig, ModuleOptions } from './config.ts'
import { formatListenAddress, type ListenAddress } from './listen-address.ts'
import { Secret } from './secret.ts'
import { entrances, type ServerOptions } from './server-options.ts'

export interface ConfigDiff {
  /** Options of the server, as paths: `log.level`. Those of `listen` are in `listeners` instead. */
  readonly server: readonly string[]
  /** Those of `server` that hold only after a restart. */
  readonly needsRestart: readonly string[]
  readonly listeners: { readonly opened: readonly Listener[]; readonly closed: readonly Listener[] }
  /** Those that run once in the server. */
  readonly modules: ModulesDiff
  /** Domains. One whose kind is another is both removed and added. */
  readonly hosts: {
    readonly added: readonly string[]
    readonly removed: readonly string[]
    readonly changed: readonly HostDiff[]
  }
}

export interface Listener {
  readonly name: keyof ServerOptions['listen']
  readonly address: ListenAddress
}

/** Names of modules; of `changed` ones the options are different. */
export interface ModulesDiff {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
}

export interface HostDiff {
  readonly domain: string
  readonly options: readonly (typeof hostOptions)[number][]
  readonly modules: ModulesDiff
}

const hostOptions = ['admins', 'anonymous', 'tls'] as const

/** What is opened or loaded once, when the server starts. */
const atStart = ['data', 'storage', 'control', 'plugin_paths', 'log.format', 'log.file', 'tls.min_version']

export function diffConfig(before: Config, after: Config): ConfigDiff {
  const { listen: formerly, ...server } = before.server
  const { listen, ...serverAfter } = after.server
  const changed = pathsOfChanges(server, serverAfter)
  return {
    server: changed,
    needsRestart: changed.filter((path) => atStart.some((option) => path === option || path.startsWith(`${option}.`))),
    listeners: { opened: listenersMissing(formerly, listen), closed: listenersMissing(listen, formerly) },
    modules: diffModules(before.modules, after.modules),
    hosts: diffHosts(before.hosts, after.hosts),
  }
}

function diffHosts(before: readonly HostConfig[], after: readonly HostConfig[]): ConfigDiff['hosts'] {
  const find = (hosts: readonly HostConfig[], { domain, kind }: HostConfig): HostConfig | undefined =>
    hosts.find((host) => host.domain === domain && host.kind === kind)
  return {
    added: after.filter((host) => find(before, host) === undefined).map(({ domain }) => domain),
    removed: before.filter((host) => find(after, host) === undefined).map(({ domain }) => domain),
    changed: after.flatMap((host) => {
      const former = find(before, host)
      return former === undefined ? [] : diffHost(former, host)
    }),
  }
}

/** Nothing, or the one change. */
function diffHost(before: HostConfig, after: HostConfig): readonly HostDiff[] {
  const options = hostOptions.filter((name) => !isSame(before[name], after[name]))
  const modules = diffModules(before.modules, after.modules)
  const count = options.length + modules.added.length + modules.removed.length + modules.changed.length
  return count === 0 ? [] : [{ domain: after.domain, options, modules }]
}

function diffModules(before: ModuleOptions, after: ModuleOptions): ModulesDiff {
  const names = [...after.keys()]
  return {
    added: names.filter((name) => !before.has(name)),
    removed: [...before.keys()].filter((name) => !after.has(name)),
    changed: names.filter((name) => before.has(name) && !isSame(before.get(name), after.get(name))),
  }
}

/** Those of `others` that `some` does not have. */
function listenersMissing(some: ServerOptions['listen'], others: ServerOptions['listen']): readonly Listener[] {
  const listeners = (of: ServerOptions['listen']): readonly Listener[] =>
    entrances.flatMap((name) => of[name].map((address) => ({ name, address })))
  const keyOf = ({ name, address }: Listener): string => `${name} ${formatListenAddress(address)}`
  const known = new Set(listeners(some).map(keyOf))
  return listeners(others).filter((listener) => !known.has(keyOf(listener)))
}

/** Down to the options: a section is not named itself. */
function pathsOfChanges(before: object, after: object, prefix = ''): readonly string[] {
  const [old, now] = [new Map<string, unknown>(Object.entries(before)), new Map<string, unknown>(Object.entries(after))]
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((name) => {
    const [a, b] = [old.get(name), now.get(name)]
    if (isSame(a, b)) return []
    return isSection(a) && isSection(b) ? pathsOfChanges(a, b, `${prefix}${name}.`) : [prefix + name]
  })
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (a instanceof Secret && b instanceof Secret) return a.equals(b)
  if (a instanceof Jid && b instanceof Jid) return a.full === b.full
  if (isList(a) && isList(b)) return a.length === b.length && a.every((item, i) => isSame(item, b[i]))
  if (a instanceof Map && b instanceof Map) return isSame(Object.fromEntries(a), Object.fromEntries(b))
  return isSection(a) && isSection(b) && pathsOfChanges(a, b).length === 0
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

function isSection(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
