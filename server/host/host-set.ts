/** The hosts of the server with their modules, as the configuration wants them. */
import type { AccountRole, Accounts } from '../auth/accounts.ts'
import type { Config, HostConfig } from '../config/config.ts'
import type { ConfigDiff, HostDiff } from '../config/diff.ts'
import { type Jid, JidError } from '../jid/jid.ts'
import type { Log } from '../log/log.ts'
import { type Origin, RoutedStanza } from '../routed-stanza.ts'
import { LocalOrigin } from '../router.ts'
import type { ClientSession, SessionOwner } from '../session/client-session.ts'
import { StreamError } from '../stream/stream-error.ts'
import type { Stanza } from '../xml/stanza.ts'
import { isPending, type Maybe } from '../util/maybe.ts'
import type { Storage } from '../../storage/storage.ts'
import { inOrder, Loader, type Supplies } from './loader.ts'
import type { AnyHostModule, AnyModule, HostKind } from './module.ts'
import type { Kernel } from './module-host.ts'
import { VirtualHost } from './virtual-host.ts'

/** A host, and what is loaded on it. */
export interface Served {
  readonly host: VirtualHost
  readonly loader: Loader
}

/** Behind what a reload could not do. */
const FAILED = 'FAILED: the log says why'

export type ServerConfig = Config<Exclude<HostKind, 'local'>>
type OneHost = HostConfig<Exclude<HostKind, 'local'>>

export class HostSet {
  readonly #kernel: Kernel
  readonly #known: ReadonlyMap<string, AnyHostModule>
  readonly #storage: Storage
  readonly #log: Log
  readonly #served = new Map<string, Served>()
  readonly #owner: SessionOwner
  #config: ServerConfig

  constructor(kernel: Kernel, modules: readonly AnyModule[], storage: Storage, config: ServerConfig, log: Log) {
    this.#kernel = kernel
    this.#known = new Map(modules.filter((module) => module.scope === 'host').map((module) => [module.name, module]))
    this.#storage = storage
    this.#config = config
    this.#log = log
    const { router } = kernel
    this.#owner = {
      route: (event) => router.route(event),
      addressee: (to) => kernel.parseJid(to),
      takesAnswer: (stanza, from, to) => router.takesAnswer(stanza, from, to),
      refuse: (stanza, session, error) => router.refuse(stanza, session, error),
    }
  }

  get(domain: string): Served | undefined {
    return this.#served.get(domain)
  }

  get all(): Iterable<Served> {
    return this.#served.values()
  }

  /** True while a handler of some stanza waits for something. */
  get busy(): boolean {
    return this.#kernel.router.busy
  }

  /** What somebody is on the host of their account, if that is ours. */
  roleOf({ node, domain }: Jid): Maybe<AccountRole | undefined> {
    // The module of that name gives this service.
    const accounts = this.#served.get(domain)?.loader.service('accounts') as Accounts | undefined
    const account = node === undefined ? undefined : accounts?.get(node)
    return isPending(account) ? account.then((found) => found?.role) : account?.role
  }

  isConnected({ bare, domain, resource = '' }: Jid): boolean {
    return this.#served.get(domain)?.host.directory.account(bare)?.session(resource) !== undefined
  }

  domains(kind: HostKind): readonly string[] {
    return [...this.#served.values()].filter(({ host }) => host.kind === kind).map(({ host }) => host.domain)
  }

  /** Those with accounts first: services may want to know them. */
  async start(): Promise<void> {
    const accountsFirst = this.#config.hosts.toSorted((a, b) => Number(b.kind === 'local') - Number(a.kind === 'local'))
    for (const host of accountsFirst) this.#create(host)
    for (const host of accountsFirst) await this.#fill(host)
  }

  /** Services first, so that they still see who is there. */
  async stop(): Promise<void> {
    for (const domain of [...this.#served.keys()].toReversed()) {
      await this.#suspend(domain)
      this.#served.delete(domain)
    }
  }

  /** Makes the hosts as a new configuration wants them; gives what was done, in words. What fails is logged, and the rest is done. */
  async apply(config: ServerConfig, { hosts }: ConfigDiff): Promise<readonly string[]> {
    this.#config = config
    const done: string[] = []
    for (const domain of hosts.removed) {
      await this.#remove(domain)
      done.push(`host ${domain} removed`)
    }
    for (const domain of hosts.added) done.push(`host ${domain} ${(await this.#add(domain)) ? 'added' : FAILED}`)
    for (const change of hosts.changed) done.push(...(await this.#change(change)))
    return done
  }

  /** A module as it can be loaded on a host; undefined if there is none of that name. */
  module(name: string): AnyHostModule | undefined {
    return this.#known.get(name)
  }

  #create({ domain, kind, admins, anonymous }: OneHost): void {
    const jid = this.#kernel.parseJid(domain)
    const log = this.#log.child({ host: domain })
    const origin = new LocalOrigin(jid, (answer, from) => this.#arrive(answer, from))
    const host = new VirtualHost(jid, kind, { admins, anonymous }, origin, this.#owner, log)
    const loader = new Loader(host, this.#kernel, this.#supplies(domain), this.#log)
    this.#served.set(domain, { host, loader })
  }

  async #fill({ domain, modules }: OneHost): Promise<void> {
    for (const module of inOrder(this.#modulesOf(modules))) await this.#load(domain, module)
    await this.#served.get(domain)?.host.hooks.fire('host/started', { domain })
  }

  /** False if it cannot be. */
  async #add(domain: string): Promise<boolean> {
    const host = this.#configOf(domain)
    this.#create(host)
    try {
      await this.#fill(host)
      return true
    } catch (error) {
      this.#log.error('host failed to start', { host: domain, error })
      await this.#remove(domain)
      return false
    }
  }

  /** One that fails is reported, and the host does without it, unless the admin cannot. */
  async #load(domain: string, module: AnyHostModule): Promise<void> {
    try {
      await this.#served.get(domain)?.loader.load(module)
    } catch (error) {
      if (this.#config.server.required_modules.includes(module.name) || isEssential(module)) throw error
      this.#log.error('module failed to load', { host: domain, module: module.name, error })
    }
  }

  async #remove(domain: string): Promise<void> {
    const served = this.#served.get(domain)
    if (served === undefined) return
    for (const session of sessionsOf(served)) served.host.closeSession(session, new StreamError('host-gone'))
    await served.loader.unloadAll()
    this.#served.delete(domain)
  }

  /** Ends the sessions that nobody comes back to; the others are written down, and nobody hears of it. */
  async #suspend(domain: string): Promise<void> {
    const served = this.#served.get(domain)
    if (served === undefined) return
    const { host, loader } = served
    for (const session of sessionsOf(served)) {
      if (host.hooks.fire('session/outliving', { session }) === 'kept') continue
      host.closeSession(session, new StreamError('system-shutdown'))
    }
    await host.hooks.fire('host/stopping', { domain })
    await loader.unloadAll()
  }

  async #change({ domain, options, modules }: HostDiff): Promise<readonly string[]> {
    const { host, loader } = this.#served.get(domain) ?? {}
    if (host === undefined || loader === undefined) return []
    const { admins, anonymous, modules: wanted } = this.#configOf(domain)
    host.settings = { admins, anonymous }
    // It is another kind of accounts that guests have, for all who use them.
    const changed = options.includes('anonymous') ? ['accounts', ...modules.changed] : modules.changed
    const done = options.map((option) => `${domain}: ${option} changed`)
    for (const name of modules.removed) {
      await loader.unload(name)
      done.push(`${domain}: module ${name} unloaded`)
    }
    for (const module of inOrder(this.#modulesOf(wanted))) {
      const isChanged = changed.includes(module.name)
      if (!isChanged && !modules.added.includes(module.name)) continue
      const loading = isChanged ? loader.reload(module) : loader.load(module)
      const what = (await this.#succeeds(loading, domain, module)) ? (isChanged ? 'has new options' : 'loaded') : FAILED
      done.push(`${domain}: module ${module.name} ${what}`)
    }
    return done
  }

  /** What has run so far goes on without a module that fails, or with its old options. */
  async #succeeds(loading: Promise<void>, domain: string, { name }: AnyHostModule): Promise<boolean> {
    try {
      await loading
      return true
    } catch (error) {
      this.#log.error('module failed to load', { host: domain, module: name, error })
      return false
    }
  }

  #modulesOf(wanted: OneHost['modules']): readonly AnyHostModule[] {
    return [...wanted.keys()].map((name) => this.#known.get(name)).filter((module) => module !== undefined)
  }

  #configOf(domain: string): OneHost {
    const found = this.#config.hosts.find((host) => host.domain === domain)
    if (found === undefined) throw new Error(`the configuration has no host ${domain}`)
    return found
  }

  #supplies(domain: string): Supplies {
    return {
      config: ({ name }) => this.#configOf(domain).modules.get(name) ?? {},
      stores: ({ stores = {} }) => this.#storage.open(domain, stores),
    }
  }

  /** An answer to something that a host or one of its rooms has sent. */
  #arrive(answer: Stanza, origin: Origin): void {
    try {
      const to = this.#kernel.parseJid(answer.to ?? origin.jid.full)
      const from = this.#kernel.parseJid(answer.from ?? origin.jid.full)
      void this.#kernel.router.route(new RoutedStanza(answer, origin, from, to))
    } catch (error) {
      if (!(error instanceof JidError)) throw error
    }
  }
}

/** A list of its own, since closing one changes the lists. */
function sessionsOf({ host }: Served): readonly ClientSession[] {
  return Array.from(host.directory.accounts).flatMap((account) => Array.from(account.sessions))
}

/** Without these nobody could use a host: the server does not start in silence without them. */
function isEssential({ name }: AnyHostModule): boolean {
  return name === 'accounts' || name === 'saslauth' || name === 'bind' || name === 'muc'
}
