/** Loading the code of a module anew: its own files, and no others. */
import { registerHooks } from 'node:module'
import { dirname, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * Gives each load of a module a generation of its own. Files inside the
 * module's folder belong to it; whatever else it imports stays the one that
 * everybody has, so that classes of the kernel are the same for all. An old
 * generation is never freed: this is for development and emergencies.
 */
export class Generations implements Disposable {
  readonly #hooks: Disposable
  #last = 0

  constructor() {
    const hooks = registerHooks({
      resolve(specifier, context, next) {
        const resolved = next(specifier, context)
        const generation = generationOf(context.parentURL)
        if (generation === undefined || !isInside(resolved.url, context.parentURL)) return resolved
        return { ...resolved, url: `${resolved.url}?${GENERATION}=${generation}` }
      },
    })
    this.#hooks = { [Symbol.dispose]: () => hooks.deregister() }
  }

  /** What the file of a module exports by default, as it is on disk now. */
  async load(path: string): Promise<unknown> {
    const { href } = pathToFileURL(path)
    // A module of ECMAScript is an object, whatever it exports.
    const loaded = (await import(`${href}?${GENERATION}=${++this.#last}`)) as { readonly default?: unknown }
    return loaded.default
  }

  [Symbol.dispose](): void {
    this.#hooks[Symbol.dispose]()
  }
}

const GENERATION = 'generation'

function generationOf(url: string | undefined): string | undefined {
  return url?.startsWith('file:') ? (new URL(url).searchParams.get(GENERATION) ?? undefined) : undefined
}

/** Whether a file lies in the folder of the one that imports it, and that folder is a module's own. */
function isInside(url: string, parent: string | undefined): boolean {
  if (parent === undefined || !url.startsWith('file:')) return false
  const folder = folderOfModule(fileURLToPath(new URL(parent)))
  return folder !== undefined && fileURLToPath(new URL(url)).startsWith(folder + sep)
}

/** The folder `mod_x` that a file is in; undefined for a module of one file, which has no files of its own. */
function folderOfModule(path: string): string | undefined {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    if (folder.slice(folder.lastIndexOf(sep) + 1).startsWith('mod_')) return folder
  }
  return undefined
}
