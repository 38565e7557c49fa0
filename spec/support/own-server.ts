/** Our server in this process, on ports that are free, with a storage of its own: for plays and specs. */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { allModules } from '../../modules/catalogue.ts'
import { COMPONENTS } from '../../scripts/cli/configured.ts'
import type { Accounts } from '../../server/auth/accounts.ts'
import { loadConfig } from '../../server/config/config.ts'
import type { AnyModule } from '../../server/host/module.ts'
import { createLog, type Log } from '../../server/log/log.ts'
import type { ServerConfig } from '../../server/host/host-set.ts'
import type { CertificateFiles } from '../../server/net/certificates.ts'
import { type Reloaded, Server } from '../../server/server.ts'
import { type Clock, systemClock } from '../../server/util/clock.ts'
import { SystemRandom } from '../../server/util/random.ts'
import { type DriverName, Storage } from '../../storage/storage.ts'

export interface OwnServerOptions {
  /** Which to open; or one that is open, and is closed with the server. */
  readonly storage?: DriverName | Storage
  /** Of a database that is empty. */
  readonly postgresUrl?: string
  /** YAML; `data` and `listen` are given. */
  readonly config?: string
  /** A folder with the data of an earlier server; it is not removed then. */
  readonly data?: string
  readonly log?: { write(line: string): void }
  /** Besides all of ours. */
  readonly modules?: readonly AnyModule[]
  /** Used for hosts that are in it, so that none has to be made. */
  readonly certificate?: CertificateFiles
  /** That of the machine unless given. */
  readonly clock?: Clock
}

export interface OwnServer extends AsyncDisposable {
  readonly server: Server
  readonly storage: Storage
  readonly data: string
  readonly ports: { readonly c2s: number; readonly c2s_tls: number; readonly http: number; readonly component: number }
  accounts(domain: string): Accounts
  /** With another configuration. */
  reload(config: string): Promise<Reloaded>
}

/** Free ports of this machine only. */
const LISTEN = `listen: { c2s: ['127.0.0.1:0'], c2s_tls: ['127.0.0.1:0'], http: ['127.0.0.1:0'], component: ['127.0.0.1:0'] }`

export async function startOwnServer(options: OwnServerOptions = {}): Promise<OwnServer> {
  const { storage: wanted = 'memory', config = '', log: sink = { write() {} }, certificate } = options
  const data = options.data ?? (await mkdtemp(join(tmpdir(), 'madrigal-')))
  const modules = [...(await allModules()), ...(options.modules ?? [])]
  const load = (own: string): ServerConfig => {
    const text = `data: ${JSON.stringify(data)}\n${/^listen:/m.test(own) ? '' : LISTEN}\n${own}`
    const checked = loadConfig({ file: 'spec.yaml', text, modules, components: COMPONENTS })
    if ('problems' in checked) throw new Error(checked.problems.map(({ message }) => message).join('\n'))
    return checked.ok
  }
  const log = createLog({ level: 'warn', modules: new Map() }, sink)
  const storage = typeof wanted === 'string' ? await openStorage(wanted, data, options.postgresUrl, log) : wanted
  if (certificate !== undefined) await provideCertificate(certificate, join(data, 'certificates'))
  const server = new Server({
    config: load(config),
    modules,
    storage,
    log,
    clock: options.clock ?? systemClock,
    random: new SystemRandom(),
  })
  await server.start()
  const port = (wanted: string): number => server.front.listeners.find(({ entrance }) => entrance === wanted)?.port ?? 0
  return {
    server,
    storage,
    data,
    ports: { c2s: port('c2s'), c2s_tls: port('c2s_tls'), http: port('http'), component: port('component') },
    accounts: (domain) => {
      // The module of that name gives this service.
      const accounts = server.hosts.get(domain)?.loader.service('accounts') as Accounts | undefined
      if (accounts === undefined) throw new Error(`no accounts on ${domain}`)
      return accounts
    },
    reload: (own) => server.reload(load(own)),
    [Symbol.asyncDispose]: async () => {
      await server.stop()
      if (options.data === undefined) await rm(data, { recursive: true, force: true })
    },
  }
}

function openStorage(driver: DriverName, data: string, url: string | undefined, log: Log): Promise<Storage> {
  return Storage.start({ driver, path: join(data, 'madrigal.sqlite'), url }, { clock: systemClock, log })
}

/** Where the server would put one that it had made itself. */
async function provideCertificate({ certificate, key }: CertificateFiles, folder: string): Promise<void> {
  await mkdir(folder)
  await copyFile(certificate, join(folder, 'self-signed.crt'))
  await copyFile(key, join(folder, 'self-signed.key'))
}
