/**
 * `npm run dev`: a server on free ports with two accounts, everything in a folder that goes with it, its log in colour.
 * A module that is saved is loaded anew.
 */
import { watch } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import type { Accounts } from '../server/auth/accounts.ts'
import { loadConfig } from '../server/config/config.ts'
import { consoleSink } from '../server/log/console-sink.ts'
import { createLog } from '../server/log/log.ts'
import { Server } from '../server/server.ts'
import { systemClock } from '../server/util/clock.ts'
import { SystemRandom } from '../server/util/random.ts'
import { COMPONENTS } from './cli/configured.ts'
import { ModuleFiles } from './cli/module-files.ts'
import { openStorage } from './cli/open-storage.ts'

const PEOPLE = ['romeo', 'juliet']
const PASSWORD = 'secret'
/** Editors write a file in several steps. */
const SETTLE_MILLISECONDS = 100

const data = await mkdtemp(join(tmpdir(), 'madrigal-dev-'))
const files = new ModuleFiles([])
const modules = await files.all()
const text = `data: ${JSON.stringify(data)}\nlisten: { c2s: ['127.0.0.1:0'], c2s_tls: ['127.0.0.1:0'], http: ['127.0.0.1:0'] }`
const checked = loadConfig({ file: 'dev.yaml', text, modules, components: COMPONENTS })
if ('problems' in checked) throw new Error(checked.problems.map(({ message }) => message).join('\n'))
const config = checked.ok
const log = createLog({ level: 'debug', modules: new Map() }, consoleSink(process.stdout))
const storage = await openStorage(config, systemClock, log)
const server = new Server({ config, modules, storage, log, clock: systemClock, random: new SystemRandom() })
await server.start()
// The module of that name gives this service.
const accounts = server.hosts.get('localhost')?.loader.service('accounts') as Accounts
await Promise.all(PEOPLE.map((node) => accounts.create(node, PASSWORD)))

for (const { entrance, port } of server.front.listeners) console.log(`${entrance.padEnd(8)} 127.0.0.1:${port}`)
console.log(`accounts ${PEOPLE.map((node) => `${node}@localhost`).join(', ')}; password ${PASSWORD}`)

const folder = join(import.meta.dirname, '..', 'modules')
const saved = new Map<string, NodeJS.Timeout>()
const watcher = watch(folder, { recursive: true }, (_event, path) => {
  const name = /^mod_(\w+)/.exec(path?.split(sep)[0] ?? '')?.[1]
  if (name === undefined) return
  clearTimeout(saved.get(name))
  saved.set(
    name,
    setTimeout(() => void reload(name), SETTLE_MILLISECONDS),
  )
})

process.once('SIGINT', () => void stop())
process.once('SIGTERM', () => void stop())

async function reload(name: string): Promise<void> {
  try {
    const module = await files.anew(name)
    if (module?.scope !== 'host') return
    for (const { host, loader } of server.hosts.all) {
      if (!loader.has(module.name)) continue
      await loader.reload(module)
      log.info('module loaded anew', { host: host.domain, module: module.name })
    }
  } catch (error) {
    log.error('module not loaded anew', { module: name, error })
  }
}

async function stop(): Promise<void> {
  watcher.close()
  await server.stop()
  await rm(data, { recursive: true, force: true })
}
