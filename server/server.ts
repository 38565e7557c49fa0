/** The server: hosts with their modules, listeners, storage; started and stopped in order. */
import type { Storage } from '../storage/storage.ts'
import { KeyDerivationQueue } from './auth/pbkdf2.ts'
import { CertificateKeeper } from './certificate-keeper.ts'
import { diffConfig } from './config/diff.ts'
import { entrances } from './config/server-options.ts'
import { Front } from './front.ts'
import { HostSet, type ServerConfig } from './host/host-set.ts'
import type { AnyModule, HostKind } from './host/module.ts'
import type { Kernel } from './host/module-host.ts'
import { ServerModules } from './host/server-modules.ts'
import { JidCache } from './jid/jid.ts'
import type { PinoLog } from './log/log.ts'
import { HttpServer } from './net/http-server.ts'
import { describe, ListenError } from './net/listeners.ts'
import { PendingIqs } from './pending-iqs.ts'
import { Router } from './router.ts'
import { StanzaError } from './stanza-error.ts'
import { StreamError } from './stream/stream-error.ts'
import type { Stream, StreamHost } from './stream/stream.ts'
import { TlsAcceptor } from './stream/tls.ts'
import type { Clock } from './util/clock.ts'
import type { Random } from './util/random.ts'
import { Turn } from './util/turn.ts'

/** Everything from outside that a server is made of. */
export interface ServerParts {
  readonly config: ServerConfig
  /** Every module that can be enabled. */
  readonly modules: readonly AnyModule[]
  readonly storage: Storage
  readonly log: PinoLog
  readonly clock: Clock
  readonly random: Random
}

/** What a reload has done, and what it could not do. */
export interface Reloaded {
  readonly applied: readonly string[]
  readonly needsRestart: readonly string[]
}

/** How long a stop waits for clients to close. */
const STOP_MILLISECONDS = 5_000

export class Server {
  readonly log: PinoLog
  readonly clock: Clock
  readonly startedAt: number
  readonly hosts: HostSet
  readonly front: Front
  readonly serverModules: ServerModules
  readonly #certificates: CertificateKeeper
  readonly #http: HttpServer
  readonly #storage: Storage
  readonly #jids = new JidCache()
  #config: ServerConfig
  #reloading: Promise<unknown> = Promise.resolve()

  constructor({ config, modules, storage, log, clock, random }: ServerParts) {
    this.log = log
    this.clock = clock
    this.startedAt = clock.now()
    this.#config = config
    this.#storage = storage
    const pending = new PendingIqs(clock)
    const routes = { host: (domain: string) => this.hosts.get(domain)?.host, remote: refuseRemote }
    const kernel: Kernel = {
      router: new Router(routes, pending, clock, log),
      pending,
      clock,
      random,
      pbkdf2: new KeyDerivationQueue(),
      parseJid: (text) => this.#jids.parse(text),
      tryParseJid: (text) => this.#jids.tryParse(text),
      domains: (kind) => this.hosts.domains(kind),
      roleOf: (jid) => this.hosts.roleOf(jid),
      isConnected: (jid) => this.hosts.isConnected(jid),
      route: (path, handler) => this.#http.route(path, handler),
      hooksOf: (domain) => this.hosts.get(domain)?.host.hooks,
      purge: (domain, node) => storage.purge(domain, node),
    }
    this.hosts = new HostSet(kernel, modules, storage, config, log)
    const { tls: tlsOptions } = config.server
    const tls = new TlsAcceptor({
      minVersion: tlsOptions.min_version,
      requestCertificates: false,
      protocols: ['xmpp-client'],
    })
    this.#certificates = new CertificateKeeper(tls, log, clock)
    this.#http = new HttpServer(log)
    const turn = new Turn()
    this.front = new Front({
      around: {
        ownDomain: () => this.hosts.domains('local')[0],
        clock,
        log,
        streamId: () => random.id(),
        mustEncrypt: ({ local }) => mustEncrypt[this.#config.server.c2s.require_encryption](local),
      },
      host: (domain, kind) => this.#streamHost(domain, kind),
      turn,
      tls,
      http: this.#http,
      clock,
      log,
      options: config.server,
    })
    const accept = this.front.accept.bind(this.front)
    const domains = (): readonly string[] => this.hosts.domains('local')
    this.serverModules = new ServerModules({ http: this.#http, turn, clock, random, log, accept, domains }, modules)
  }

  get config(): ServerConfig {
    return this.#config
  }

  /** Loads the modules; with `listen` false nobody can connect: for commands on a stopped server. */
  async start({ listen = true } = {}): Promise<void> {
    await this.hosts.start()
    if (!listen) return
    await this.#certificates.start(this.#config)
    await this.serverModules.start(this.#config.modules)
    for (const entrance of entrances) {
      for (const address of this.#config.server.listen[entrance]) await this.front.open(entrance, address)
    }
  }

  /** Nobody new comes in, everybody who is here is told, everything is written. */
  async stop(): Promise<void> {
    this.front.closeAll()
    for (const stream of this.front.streams) stream.close(new StreamError('system-shutdown'))
    await this.#streamsClosed()
    await this.serverModules.stop()
    await this.hosts.stop()
    await this.#certificates.stop()
    this.#http.close()
    await this.#storage.close()
  }

  /**
   * Makes the server as another configuration wants it, without ending a connection that may stay: one reload after
   * another. What fails is said among what was applied, and does not keep the rest from being done.
   */
  reload(config: ServerConfig): Promise<Reloaded> {
    const done = this.#reloading.then(() => this.#reload(config))
    this.#reloading = done.catch(() => {})
    return done
  }

  async #reload(config: ServerConfig): Promise<Reloaded> {
    const diff = diffConfig(this.#config, config)
    this.#config = config
    await this.#certificates.start(config)
    const applied = [
      ...(await this.serverModules.apply(config.modules, diff.modules)),
      ...(await this.hosts.apply(config, diff)),
    ]
    for (const stream of this.front.streams) if (this.#isGone(stream)) stream.close(new StreamError('host-gone'))
    for (const { name, address } of diff.listeners.closed) {
      this.front.close(name, address)
      applied.push(`no longer listening on ${describe(address)} (${name})`)
    }
    applied.push(...(await this.#listen(config)))
    if (diff.server.some((option) => /^(?:c2s|components)\./.test(option))) this.front.limit(config.server)
    if (diff.server.some((option) => option.startsWith('log.'))) this.log.configure(config.server.log)
    const changed = diff.server.filter((option) => !diff.needsRestart.includes(option))
    return { applied: [...applied, ...changed.map((option) => `${option} changed`)], needsRestart: diff.needsRestart }
  }

  /** Opens what should be open and is not, as what could not be opened the last time; says what was done. */
  async #listen({ server: { listen } }: ServerConfig): Promise<readonly string[]> {
    const done: string[] = []
    for (const entrance of entrances) {
      for (const address of listen[entrance].filter((wanted) => !this.front.isOpen(entrance, wanted))) {
        try {
          await this.front.open(entrance, address)
          done.push(`listening on ${describe(address)} (${entrance})`)
        } catch (error) {
          if (!(error instanceof ListenError)) throw error
          done.push(error.message)
        }
      }
    }
    return done
  }

  /** Of those who had not bound a resource yet: the sessions of a host end with it. */
  #isGone({ host }: Stream): boolean {
    return host !== undefined && this.hosts.get(host.domain)?.host !== host
  }

  /** A domain that clients can open a stream to, which is one with accounts, or a component. */
  #streamHost(domain: string, kind: HostKind): StreamHost | undefined {
    const jid = this.#jids.tryParse(domain)
    const host = jid && this.hosts.get(jid.full)?.host
    return host?.kind === kind ? host : undefined
  }

  async #streamsClosed(): Promise<void> {
    const { front } = this
    const deadline = this.clock.after(STOP_MILLISECONDS, () => {
      for (const stream of front.streams) stream.transport.destroy()
    })
    await front.emptied()
    deadline[Symbol.dispose]()
  }
}

/** Whether a client must encrypt before it logs in, by the option `require_encryption`. */
const mustEncrypt: Readonly<Record<ServerConfig['server']['c2s']['require_encryption'], (local: boolean) => boolean>> =
  {
    auto: (local) => !local,
    always: () => true,
    never: () => false,
  }

function refuseRemote(): never {
  throw new StanzaError('remote-server-not-found')
}
