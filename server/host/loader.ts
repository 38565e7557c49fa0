/** Loads modules onto hosts: in order of dependency, with what they declared, and undoes it all again. */
import type { OptionsOf, Fields } from '../config/types.ts'
import type { Log } from '../log/log.ts'
import type { Opened, StoreSpecs } from '../../storage/store.ts'
import { Life } from './life.ts'
import type { AnyHostModule } from './module.ts'
import { type Kernel, viewOf } from './module-host.ts'
import type { VirtualHost } from './virtual-host.ts'

/** What the configuration and the storage give to a module of a host. */
export interface Supplies {
  config(module: AnyHostModule): OptionsOf<Fields>
  stores(module: AnyHostModule): Promise<Opened<StoreSpecs>>
}

interface Loaded {
  readonly module: AnyHostModule
  readonly config: OptionsOf<Fields>
  readonly life: Life
  readonly service: unknown
}

/** The modules of one host. */
export class Loader {
  readonly #host: VirtualHost
  readonly #kernel: Kernel
  readonly #supplies: Supplies
  readonly #log: Log
  readonly #loaded = new Map<string, Loaded>()

  constructor(host: VirtualHost, kernel: Kernel, supplies: Supplies, log: Log) {
    this.#host = host
    this.#kernel = kernel
    this.#supplies = supplies
    this.#log = log
  }

  get modules(): readonly AnyHostModule[] {
    return [...this.#loaded.values()].map(({ module }) => module)
  }

  has(name: string): boolean {
    return this.#loaded.has(name)
  }

  service(name: string): unknown {
    return this.#loaded.get(name)?.service
  }

  /** Sets up a module. Throws what `setup` throws; nothing of it is left behind then. */
  async load(module: AnyHostModule): Promise<void> {
    await this.#setUp(module, this.#supplies.config(module))
  }

  async #setUp(module: AnyHostModule, config: OptionsOf<Fields>): Promise<void> {
    if (this.#loaded.has(module.name)) throw new Error(`module ${module.name} is loaded already`)
    for (const needed of module.depends ?? []) {
      if (!this.#loaded.has(needed)) throw new Error(`module ${module.name} needs ${needed}`)
    }
    const log = this.#log.child({ host: this.#host.domain, module: module.name })
    const life = new Life(log, this.#kernel.clock)
    try {
      const view = viewOf(this.#host, this.#kernel, module.name, life, log, (name) => this.service(name))
      const service = await module.setup(view, { config, stores: await this.#supplies.stores(module) })
      this.#loaded.set(module.name, { module, config, life, service })
    } catch (error) {
      await life[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Unloads a module and first those that use its service. Gives them all, in the order in which to load them again. */
  async unload(name: string): Promise<readonly AnyHostModule[]> {
    const loaded = this.#loaded.get(name)
    if (loaded === undefined) return []
    const users: AnyHostModule[] = []
    for (const user of this.dependents(name)) users.unshift(...(await this.unload(user)))
    this.#loaded.delete(name)
    await loaded.life[Symbol.asyncDispose]()
    return [loaded.module, ...users]
  }

  /** Unloads everything, the last loaded first. */
  async unloadAll(): Promise<void> {
    for (const name of [...this.#loaded.keys()].toReversed()) await this.unload(name)
  }

  /**
   * Puts new code or options in the place of old. If the new cannot be set up, the old comes back with the options that
   * it had; and those that use it come back as far as they can. Throws the first error, with the others in an AggregateError.
   */
  async reload(module: AnyHostModule): Promise<void> {
    const former = this.#loaded.get(module.name)
    const [, ...users] = await this.unload(module.name)
    const errors: unknown[] = []
    const tried = (loading: Promise<void>): Promise<void> => loading.catch((error: unknown) => void errors.push(error))
    await tried(this.load(module))
    if (errors.length > 0 && former !== undefined) await tried(this.#setUp(former.module, former.config))
    for (const user of users) await tried(this.load(user))
    if (errors.length > 1) throw new AggregateError(errors, `module ${module.name} and others could not be loaded`)
    if (errors.length > 0) throw errors[0]
  }

  /** Those that name it in `depends`. */
  dependents(name: string): readonly string[] {
    return this.modules.filter(({ depends }) => depends?.some((needed) => needed === name)).map((module) => module.name)
  }
}

/** Modules in the order in which they must be set up. Throws if one needs another that is not among them, or itself. */
export function inOrder(modules: readonly AnyHostModule[]): readonly AnyHostModule[] {
  const byName = new Map(modules.map((module) => [module.name, module]))
  const ordered = new Set<AnyHostModule>()
  const visit = (module: AnyHostModule, path: readonly string[]): void => {
    if (ordered.has(module)) return
    if (path.includes(module.name)) throw new Error(`modules need each other: ${[...path, module.name].join(' → ')}`)
    for (const name of module.depends ?? []) {
      const needed = byName.get(name)
      if (needed === undefined) throw new Error(`module ${module.name} needs ${name}, which is not enabled`)
      visit(needed, [...path, module.name])
    }
    ordered.add(module)
  }
  for (const module of modules) visit(module, [])
  return [...ordered]
}
