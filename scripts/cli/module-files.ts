/** Modules on disk: those of the checkout, which can be loaded anew, and those of an admin's own folders. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { allModules } from '../../modules/catalogue.ts'
import type { AnyModule } from '../../server/host/module.ts'
import { Generations } from '../../server/host/generations.ts'
import { isExecutable } from '../../server/util/assets.ts'
import { Refusal } from './refusal.ts'

export class ModuleFiles implements Disposable {
  readonly #plugins: readonly string[]
  readonly #generations = new Generations()

  /** `plugins` are folders with modules named as ours are: `mod_x.ts`, or `mod_x/index.ts`. */
  constructor(plugins: readonly string[]) {
    this.#plugins = plugins
  }

  /** All that can be enabled. Throws Refusal if a plugin is none. */
  async all(): Promise<readonly AnyModule[]> {
    const plugins = await Promise.all(this.#plugins.flatMap(filesIn).map((path) => this.#load(path)))
    return [...(await allModules()), ...plugins]
  }

  /** The code of a module as it is on disk now; undefined if there is no file of that name. */
  async anew(name: string): Promise<AnyModule | undefined> {
    // The executable has its modules inside, as they were when it was built.
    const ours = isExecutable() ? [] : [fileURLToPath(new URL('../../modules', import.meta.url))]
    const path = [...ours, ...this.#plugins].flatMap(filesIn).find((file) => nameOf(file) === name)
    return path === undefined ? undefined : this.#load(path)
  }

  [Symbol.dispose](): void {
    this.#generations[Symbol.dispose]()
  }

  async #load(path: string): Promise<AnyModule> {
    const module = await this.#generations.load(path)
    if (!isModule(module)) throw new Refusal(`${path} is no module: its default export must come from defineModule`)
    return module
  }
}

/** The files of the modules in a folder. */
function filesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) throw new Refusal(`there is no folder ${folder} (plugin_paths)`)
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.name.startsWith('mod_')) return []
    if (entry.isFile()) return MODULE_FILE.test(entry.name) ? [join(folder, entry.name)] : []
    return ['index.ts', 'index.js', 'index.mjs'].map((file) => join(folder, entry.name, file)).filter(existsSync)
  })
}

const MODULE_FILE = /^mod_\w+\.(ts|js|mjs)$/

/** `…/mod_ping.ts` and `…/mod_muc/index.ts` are `ping` and `muc`. */
function nameOf(path: string): string | undefined {
  return /mod_(\w+)(?:\.\w+|[/\\]index\.\w+)$/.exec(path)?.[1]
}

function isModule(value: unknown): value is AnyModule {
  return typeof value === 'object' && value !== null && 'scope' in value && 'name' in value && 'setup' in value
}
