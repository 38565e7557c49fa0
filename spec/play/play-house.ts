/** Our own server for plays: a clean one for each, all in this process. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { StoredAccount } from '../../server/auth/accounts.ts'
import { makeCredentials, type StoredCredentials } from '../../server/auth/credentials.ts'
import { KeyDerivationQueue } from '../../server/auth/pbkdf2.ts'
import { Jid } from '../../server/jid/jid.ts'
import { createLog } from '../../server/log/log.ts'
import { type CertificateFiles, makeSelfSigned } from '../../server/net/certificates.ts'
import type { Server } from '../../server/server.ts'
import { systemClock } from '../../server/util/clock.ts'
import { SystemRandom } from '../../server/util/random.ts'
import { Storage } from '../../storage/storage.ts'
import { keyval } from '../../storage/store.ts'
import { type OwnServer, startOwnServer } from '../support/own-server.ts'
import { startPostgres } from '../support/postgres.ts'
import type { PlayAccount, PlayServer, StorageName } from './server.ts'

/** Passwords in plays protect nothing. */
const ITERATIONS = 10

/** The hosts that most plays have; for others the server makes a certificate of its own. */
const DOMAINS = ['localhost', 'conference.localhost', 'verona.localhost']

/** A client may have to do something before the server goes on: that is no reason to wait for ever. */
const SETTLE_MILLISECONDS = 500

/** Starts servers. What takes time, as databases and keys do, is made when first needed, and lasts as long as the house. */
export class PlayHouse implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack()
  readonly #storages = new Map<StorageName, Promise<Storage>>()
  readonly #credentials = new Map<string, Promise<StoredCredentials>>()
  #folder: Promise<string> | undefined
  #certificate: Promise<CertificateFiles> | undefined
  #plays = 0

  readonly start = async (
    storage: StorageName,
    accounts: readonly PlayAccount[],
    config: string,
  ): Promise<PlayServer> => {
    this.#certificate ??= this.#makeCertificate()
    const part = partOf(await this.#storage(storage), `play ${++this.#plays}`)
    const own = await startOwnServer({ storage: part, config, certificate: await this.#certificate })
    await Promise.all(accounts.map((account) => this.#add(account, own)))
    const at = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port })
    const { c2s, c2s_tls: tls, http } = own.ports
    return {
      connect: {
        tcp: at(c2s),
        tls: at(tls),
        webSocketUrl: `ws://127.0.0.1:${http}/xmpp-websocket`,
        boshUrl: `http://127.0.0.1:${http}/http-bind`,
      },
      settled: () => settled(own.server),
      close: async () => {
        await own[Symbol.asyncDispose]()
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }

  /** As the host would, but without the work that it makes of a password. */
  async #add({ node, domain, password }: PlayAccount, { storage, server }: OwnServer): Promise<void> {
    if (server.hosts.get(domain) === undefined) throw new Error(`the server does not serve ${domain}`)
    const { accounts } = await storage.open(domain, { accounts: keyval<StoredAccount>('accounts') })
    const credentials = await this.#credentialsFor(password)
    await accounts.set(Jid.from(node, domain).node ?? '', { credentials, role: 'user', createdAt: Date.now() })
  }

  #credentialsFor(password: string): Promise<StoredCredentials> {
    const pbkdf2 = new KeyDerivationQueue()
    return once(this.#credentials, password, () =>
      makeCredentials(password, { pbkdf2, random: new SystemRandom(), iterations: ITERATIONS }),
    )
  }

  #storage(driver: StorageName): Promise<Storage> {
    return once(this.#storages, driver, async () => {
      const path = join(await this.#ownFolder(), 'madrigal.sqlite')
      const url = driver === 'postgres' ? await this.#postgres() : undefined
      const log = createLog({ level: 'warn', modules: new Map() }, { write() {} })
      const storage = await Storage.start({ driver, path, url }, { clock: systemClock, log })
      this.#stack.defer(() => storage.close())
      return storage
    })
  }

  async #postgres(): Promise<string> {
    const postgres = this.#stack.use(await startPostgres())
    return this.#stack.use(await postgres.createDatabase()).url
  }

  async #makeCertificate(): Promise<CertificateFiles> {
    const folder = await this.#ownFolder()
    const files = { certificate: join(folder, 'hosts.crt'), key: join(folder, 'hosts.key') }
    await makeSelfSigned(DOMAINS, files, Date.now())
    return files
  }

  #ownFolder(): Promise<string> {
    const make = async (): Promise<string> => {
      const folder = await mkdtemp(join(tmpdir(), 'madrigal-plays-'))
      this.#stack.defer(() => rm(folder, { recursive: true, force: true }))
      return folder
    }
    this.#folder ??= make()
    return this.#folder
  }
}

/** A storage as empty as a new one: in it every host has another name. */
function partOf(storage: Storage, name: string): Storage {
  const part: Pick<Storage, 'open' | 'purge' | 'close'> = {
    open: (host, specs) => storage.open(`${host} in ${name}`, specs),
    purge: (host, owner) => storage.purge(`${host} in ${name}`, owner),
    close: async () => {},
  }
  // There is nothing else that a server could ask of a storage.
  return part as Storage
}

function once<K, V>(made: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const known = made.get(key)
  if (known !== undefined) return known
  const making = make()
  made.set(key, making)
  return making
}

/** Until no handler waits, and what came behind it has had its turn. */
async function settled({ hosts }: Server): Promise<void> {
  const deadline = performance.now() + SETTLE_MILLISECONDS
  while (hosts.busy && performance.now() < deadline) await turn()
}
