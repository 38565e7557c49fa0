/** Our server in this process, on ports that are free, with a storage of its own: for plays and specs. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { allModules } from '../../modules/catalogue.ts'
import { COMPONENTS } from '../../scripts/cli/configured.ts'
import type { Accounts } from '../../server/auth/accounts.ts'
import { loadConfig } from '../../server/config/config.ts'
import { createLog } from '../../server/log/log.ts'
import { Server } from '../../server/server.ts'
import { systemClock } from '../../server/util/clock.ts'
import { systemRandom } from '../../server/util/random.ts'
import { Storage } from '../../storage/storage.ts'

export interface OwnServerOptions {
  readonly storage?: 'memory' | 'sqlite' | 'postgres'
  /** Of a database that is empty. */
  readonly postgresUrl?: string
  /** YAML; `data` and `listen` are given. */
  readonly config?: string
  /** A folder with the data of an earlier server; it is not removed then. */
  readonly data?: string
  readonly log?: { write(line: string): void }
}

export interface OwnServer extends AsyncDisposable {
  readonly server: Server
  readonly data: string
  readonly ports: { readonly c2s: number; readonly c2s_tls: number; readonly http: number }
  accounts(domain: string): Accounts
}

/** Free ports of this machine only. */
const LISTEN = `listen: { c2s: ['127.0.0.1:0'], c2s_tls: ['127.0.0.1:0'], http: ['127.0.0.1:0'] }`

export async function startOwnServer(options: OwnServerOptions = {}): Promise<OwnServer> {
  const { storage: driver = 'memory', config = '', log: sink = { write() {} } } = options
  const data = options.data ?? (await mkdtemp(join(tmpdir(), 'madrigal-')))
  const modules = await allModules()
  const text = `data: ${JSON.stringify(data)}\n${LISTEN}\n${config}`
  const checked = loadConfig({ file: 'spec.yaml', text, modules, components: COMPONENTS })
  if ('problems' in checked) throw new Error(checked.problems.map(({ message }) => message).join('\n'))
  const log = createLog({ level: 'warn', modules: new Map() }, sink)
  const path = join(data, 'madrigal.sqlite')
  const storage = await Storage.start({ driver, path, url: options.postgresUrl }, { clock: systemClock, log })
  const server = new Server({ config: checked.ok, modules, storage, log, clock: systemClock, random: systemRandom })
  await server.start()
  const port = (wanted: string): number => server.front.listeners.find(({ entrance }) => entrance === wanted)?.port ?? 0
  return {
    server,
    data,
    ports: { c2s: port('c2s'), c2s_tls: port('c2s_tls'), http: port('http') },
    accounts: (domain) => {
      // The module of that name gives this service.
      const accounts = server.hosts.get(domain)?.loader.service('accounts') as Accounts | undefined
      if (accounts === undefined) throw new Error(`no accounts on ${domain}`)
      return accounts
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop()
      if (options.data === undefined) await rm(data, { recursive: true, force: true })
    },
  }
}
