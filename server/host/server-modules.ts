/** Modules of which there is one in the server: loaded, unloaded, given new options. */
import type { ModuleOptions } from '../config/config.ts'
import type { ModulesDiff } from '../config/diff.ts'
import type { Fields, OptionsOf } from '../config/types.ts'
import type { Log } from '../log/log.ts'
import type { HttpServer } from '../net/http-server.ts'
import type { Transport } from '../stream/transport.ts'
import type { Clock } from '../util/clock.ts'
import type { Random } from '../util/random.ts'
import type { Turn } from '../util/turn.ts'
import { command } from '../admin/command.ts'
import type { ModuleServer } from './host.ts'
import { Life } from './life.ts'
import type { AnyModule, AnyServerModule } from './module.ts'
import type { ServerProvisions } from './provisions.ts'
import { Registry } from './registry.ts'

/** What a server module can reach. */
export interface ServerReach {
  readonly http: HttpServer
  readonly turn: Turn
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  accept(transport: Transport): void
  domains(): Iterable<string>
}

export class ServerModules {
  readonly provisions = new Registry<ServerProvisions>()
  readonly #reach: ServerReach
  readonly #known: ReadonlyMap<string, AnyServerModule>
  readonly #loaded = new Map<string, Life>()

  constructor(reach: ServerReach, modules: readonly AnyModule[]) {
    this.#reach = reach
    this.#known = new Map(modules.filter((module) => module.scope === 'server').map((module) => [module.name, module]))
  }

  get names(): readonly string[] {
    return [...this.#loaded.keys()]
  }

  async start(options: ModuleOptions): Promise<void> {
    for (const [name, config] of options) await this.#load(name, config)
  }

  async stop(): Promise<void> {
    for (const name of [...this.#loaded.keys()].toReversed()) await this.#unload(name)
  }

  /** What fails is logged, and the rest is done. */
  async apply(options: ModuleOptions, { added, removed, changed }: ModulesDiff): Promise<readonly string[]> {
    for (const name of [...removed, ...changed]) await this.#unload(name)
    const done = removed.map((name) => `module ${name} unloaded`)
    for (const name of [...changed, ...added]) {
      try {
        await this.#load(name, options.get(name) ?? {})
        done.push(`module ${name} ${changed.includes(name) ? 'has new options' : 'loaded'}`)
      } catch (error) {
        this.#reach.log.error('module failed to load', { module: name, error })
        done.push(`module ${name} FAILED: the log says why`)
      }
    }
    return done
  }

  async #load(name: string, config: OptionsOf<Fields>): Promise<void> {
    const module = this.#known.get(name)
    if (module === undefined) return
    const log = this.#reach.log.child({ module: name })
    const life = new Life(log, this.#reach.clock)
    try {
      await module.setup(this.#view(life, log), { config })
      this.#loaded.set(name, life)
    } catch (error) {
      await life[Symbol.asyncDispose]()
      throw error
    }
  }

  async #unload(name: string): Promise<void> {
    const life = this.#loaded.get(name)
    this.#loaded.delete(name)
    await life?.[Symbol.asyncDispose]()
  }

  #view(life: Life, log: Log): ModuleServer {
    const reach = this.#reach
    const { http, turn, clock, random } = reach
    return {
      log,
      clock,
      random,
      turn,
      get domains() {
        return reach.domains()
      },
      accept: (transport) => reach.accept(transport),
      route: (path, handler) => void life.use(http.route(path, handler)),
      upgrade: (path, handler) => void life.use(http.upgrade(path, handler)),
      provide: (kind, item) => void life.use(this.provisions.provide(kind, item)),
      items: (kind) => this.provisions.items(kind),
      command: (declared) => void life.use(this.provisions.provide('command', command(declared))),
      spawn: (name, run) => life.spawn(name, run),
      every: (interval, name, run) => life.every(interval, name, run),
      after: (seconds, name, run) => life.after(seconds, name, run),
      use: (resource) => life.use(resource),
      defer: (cleanup) => life.defer(cleanup),
    }
  }
}
