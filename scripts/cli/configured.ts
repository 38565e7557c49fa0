/** The configuration as `madrigal` finds it, with the modules that it may name. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { loadConfig, pluginPathsOf } from '../../server/config/config.ts'
import { report } from '../../server/config/report.ts'
import type { ServerConfig } from '../../server/host/host-set.ts'
import type { AnyModule } from '../../server/host/module.ts'
import { ModuleFiles } from './module-files.ts'
import { Refusal } from './refusal.ts'

/** Where a configuration is looked for if none is named. */
const PLACES = ['madrigal.yaml', '/etc/madrigal/madrigal.yaml']

/** Kinds of hosts without accounts. */
export const COMPONENTS = ['muc', 'pubsub', 'component'] as const

export interface Configured {
  readonly config: ServerConfig
  readonly modules: readonly AnyModule[]
  /** Where they come from, to load them anew. */
  readonly files: ModuleFiles
  /** Absolute; undefined if there is no file. */
  readonly file: string | undefined
}

/** Reads and checks the configuration. Throws Refusal with everything that is wrong with it. */
export async function configured(named: string | undefined): Promise<Configured> {
  const file = fileOf(named)
  const text = file === undefined ? undefined : read(file)
  const written = { file: file ?? 'madrigal.yaml', text }
  const files = new ModuleFiles(pluginPathsOf(written))
  const modules = await files.all()
  const checked = loadConfig({ ...written, modules, components: COMPONENTS })
  if ('ok' in checked) return { config: checked.ok, modules, files, file }
  throw new Refusal(report(checked.problems, text ?? '', { colour: process.stderr.isTTY }))
}

function fileOf(named: string | undefined): string | undefined {
  if (named !== undefined) return resolve(named)
  const found = PLACES.find((place) => existsSync(place))
  return found === undefined ? undefined : resolve(found)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Refusal(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
