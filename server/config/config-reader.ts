/** How a tree of nodes becomes a configuration: which module runs where, and with which options. */
import type { Jid } from '../jid/jid.ts'
import { check, type Checked } from './check.ts'
import type { Config, Declarations, HostConfig, ModuleOptions } from './config.ts'
import { mergeOptions, readModules, runs, unknownModule, type ModuleDeclaration, type Wish } from './modules-section.ts'
import { entriesOf, itemsOf, type ConfigEntry, type ConfigNode, type Place, type Problem } from './node.ts'
import type { Fields, Option, OptionsOf, Surroundings } from './option.ts'
import {
  elsewhere,
  hostFields,
  localHostFields,
  serverFields,
  serverOptions,
  type ServerOptions,
} from './server-options.ts'
import { t } from './types.ts'

type Wishes = ReadonlyMap<string, Wish>
type HostOptions = OptionsOf<typeof hostFields> & { readonly anonymous?: boolean }

/** Reads one file, once. Problems are gathered on the way. */
export class ConfigReader<Kind extends string> {
  readonly #problems = new Map<string, Problem>()
  readonly #modules: ReadonlyMap<string, ModuleDeclaration>
  readonly #options: ReadonlyMap<string, Option<OptionsOf<Fields>>>
  readonly #kinds: readonly ['local', ...Kind[]]
  readonly #hostOptions: ReadonlyMap<'local' | Kind, Option<OptionsOf<Fields>>>
  readonly #around: Surroundings

  constructor({ modules, components }: Declarations<Kind>, around: Surroundings) {
    this.#modules = new Map(modules.map((module) => [module.name, module]))
    this.#options = new Map(modules.map(({ name, config = {} }) => [name, t.object(config)]))
    this.#kinds = ['local', ...components]
    this.#hostOptions = new Map(this.#kinds.map((kind) => [kind, t.object(this.#hostFields(kind))]))
    this.#around = around
  }

  read(root: ConfigNode): Checked<Config<Kind>> {
    const entries = entriesOf(root)
    const server = this.#check(t.object({ ...serverFields, modules: elsewhere, hosts: elsewhere }), root)
    this.#checkRequired(entries.get('required_modules')?.node)
    const wishes = this.#wishes(entries.get('modules'), 'server')
    const hosts = this.#hosts(entries.get('hosts')?.node, root.place, wishes, server?.admins ?? [])
    const modules = this.#serverModules(wishes, root.place)
    this.#checkIdle(wishes, hosts)
    if (server === undefined || this.#problems.size > 0) return { problems: [...this.#problems.values()] }
    return { ok: { server: openedFor(hosts, serverOptions(pick(server, namesOf(serverFields)))), modules, hosts } }
  }

  #hosts(
    written: ConfigNode | undefined,
    place: Place,
    wishes: Wishes,
    admins: readonly Jid[],
  ): readonly HostConfig<Kind>[] {
    const section = written?.value === undefined ? this.#hostsWithoutConfig(place) : written
    if (entriesOf(section).size === 0) this.#refuse(section.place, 'hosts: expected a section with a domain or more')
    const hosts: HostConfig<Kind>[] = []
    const domains = new Set<string>()
    for (const [name, entry] of entriesOf(section)) {
      const domain = this.#check(t.domain(), { place: entry.key, value: name })
      const host = this.#host(domain ?? name, entry, wishes, admins)
      if (domain !== undefined && domains.has(domain)) this.#refuse(entry.key, `the host ${domain} is written twice`)
      if (domain !== undefined) domains.add(domain)
      if (host !== undefined) hosts.push(host)
    }
    return hosts
  }

  #host(
    domain: string,
    { key, node }: ConfigEntry,
    ofServer: Wishes,
    admins: readonly Jid[],
  ): HostConfig<Kind> | undefined {
    const is = entriesOf(node).get('is')?.node
    const kind = is === undefined ? 'local' : this.#check(t.oneOf<'local' | Kind>(...this.#kinds), is, 'is')
    // Of an unknown kind of host we cannot say which options it has.
    if (kind === undefined) return undefined
    const own = this.#check(this.#hostOptions.get(kind), node, domain)
    const ofHost = this.#wishes(entriesOf(node).get('modules'), 'host')
    const modules = this.#modulesOfHost({ domain, kind, place: key }, ofServer, ofHost)
    if (own === undefined) return undefined
    const component = this.#modules.get(kind)
    if (component !== undefined) modules.set(kind, pick(own, namesOf(component.config ?? {})))
    // Every kind of host has these among its options (`#hostFields`).
    const { admins: ofThisHost, tls, anonymous = false } = own as unknown as HostOptions
    return { domain, kind, admins: [...admins, ...ofThisHost], anonymous, tls, modules }
  }

  #hostFields(kind: 'local' | Kind): Fields {
    const common: Fields = { ...(kind === 'local' ? localHostFields : hostFields), is: elsewhere, modules: elsewhere }
    const own = kind === 'local' ? {} : (this.#modules.get(kind)?.config ?? {})
    const clash = Object.keys(own).find((name) => Object.hasOwn(common, name))
    if (clash !== undefined) throw new Error(`module ${kind} cannot have an option ${clash}: every host has one`)
    return { ...common, ...own }
  }

  #modulesOfHost(
    { domain, kind, place }: { domain: string; kind: 'local' | Kind; place: Place },
    ofServer: Wishes,
    ofHost: Wishes,
  ): Map<string, OptionsOf<Fields>> {
    const running = [...this.#modules.values()].filter(
      (module) =>
        module.scope === 'host' &&
        (module.name === kind || runs(module, kind, ofServer.get(module.name), ofHost.get(module.name))),
    )
    const names = new Set(running.map(({ name }) => name))
    const modules = new Map<string, OptionsOf<Fields>>()
    for (const { name, depends = [] } of running) {
      for (const needed of depends.filter((other) => !names.has(other))) {
        const wish = ofHost.get(name) ?? ofHost.get(needed) ?? ofServer.get(name) ?? ofServer.get(needed)
        this.#refuse(wish?.place ?? place, `the module ${name} needs ${needed}, which does not run on ${domain}`)
      }
      const written = mergeOptions(ofServer.get(name), ofHost.get(name), place)
      // The options of the component itself are set by the caller: they stand at the host.
      const options = name === kind ? {} : this.#check(this.#options.get(name), written, name)
      if (options !== undefined) modules.set(name, options)
    }
    return modules
  }

  #serverModules(wishes: Wishes, place: Place): ModuleOptions {
    const modules = new Map<string, OptionsOf<Fields>>()
    for (const { name, scope, byDefault = false } of this.#modules.values()) {
      const wish = wishes.get(name)
      if (scope !== 'server' || !(wish?.isWanted ?? byDefault)) continue
      const options = this.#check(this.#options.get(name), mergeOptions(wish, undefined, place), name)
      if (options !== undefined) modules.set(name, options)
    }
    return modules
  }

  /** Options of modules that run nowhere are checked too: the mistake would show on the day they do. */
  #checkIdle(wishes: Wishes, hosts: readonly HostConfig<Kind>[]): void {
    for (const [name, wish] of wishes) {
      if (wish.options === undefined || hosts.some(({ modules }) => modules.has(name))) continue
      this.#check(this.#options.get(name), wish.options, name)
    }
  }

  #checkRequired(list: ConfigNode | undefined): void {
    for (const { place, value } of itemsOf(list)) {
      if (typeof value !== 'string' || this.#modules.has(value)) continue
      this.#refuse(place, unknownModule(value, this.#modules.keys()))
    }
  }

  #wishes(entry: ConfigEntry | undefined, of: 'server' | 'host'): Wishes {
    const problems: Problem[] = []
    const wishes = readModules(entry?.node, (name) => this.#refusal(name, of), problems)
    for (const { place, message } of problems) this.#refuse(place, message)
    return wishes
  }

  #refusal(name: string, of: 'server' | 'host'): string | undefined {
    const module = this.#modules.get(name)
    if (module === undefined) return unknownModule(name, this.#modules.keys())
    if (this.#kinds.some((kind) => kind === name)) {
      return `${name} is no module to be named here: write "is: ${name}" at a host, and its options beside that`
    }
    if (of === 'server' || module.scope === 'host') return undefined
    return `the module ${name} is one for the whole server: name it in modules at the top of the file`
  }

  /** So that the server can be tried without writing anything. */
  #hostsWithoutConfig(place: Place): ConfigNode {
    const host = (...entries: readonly [string, string][]): ConfigNode => ({
      place,
      value: new Map(entries.map(([name, value]) => [name, { key: place, node: { place, value } }])),
    })
    const hosts = new Map([['localhost', { key: place, node: host() }]])
    if (this.#kinds.some((kind) => kind === 'muc')) {
      hosts.set('conference.localhost', { key: place, node: host(['is', 'muc']) })
    }
    return { place, value: hosts }
  }

  /** The value, or undefined if there are problems; they name the option `name` if it is the whole of `node`. */
  #check<T>(option: Option<T> | undefined, node: ConfigNode, name?: string): T | undefined {
    if (option === undefined) return undefined
    const checked = check(option, node, this.#around, name)
    if ('ok' in checked) return checked.ok
    for (const problem of checked.problems) this.#add(problem)
    return undefined
  }

  #refuse(place: Place, message: string): void {
    this.#add({ place, message })
  }

  /** Once, even if many hosts share the line. */
  #add(problem: Problem): void {
    const { line, column } = problem.place
    this.#problems.set(`${line}:${column}:${problem.message}`, problem)
  }
}

/** Nobody listens for components where there are none. */
function openedFor(hosts: readonly HostConfig[], options: ServerOptions): ServerOptions {
  if (hosts.some(({ kind }) => kind === 'component')) return options
  return { ...options, listen: { ...options.listen, component: [] } }
}

function pick<T extends object, K extends keyof T>(options: T, names: readonly K[]): Pick<T, K> {
  // `fromEntries` cannot say that all of the names are there.
  return Object.fromEntries(names.map((name) => [name, options[name]])) as Pick<T, K>
}

function namesOf<F extends Fields>(fields: F): readonly (keyof F & string)[] {
  return Object.keys(fields)
}
