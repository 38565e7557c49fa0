/** The host as one module sees it: every registration is tied to the life of the module. */
import { command } from '../admin/command.ts'
import type { AccountRole } from '../auth/accounts.ts'
import type { KeyDerivation } from '../auth/pbkdf2.ts'
import type { Jid } from '../jid/jid.ts'
import type { Log } from '../log/log.ts'
import type { Router } from '../router.ts'
import { RoutedStanza } from '../routed-stanza.ts'
import type { HttpHandler } from '../net/http-server.ts'
import type { PendingIqs } from '../pending-iqs.ts'
import type { Clock } from '../util/clock.ts'
import type { Maybe } from '../util/maybe.ts'
import type { Random } from '../util/random.ts'
import { iq } from '../xml/build.ts'
import type { HostHooks } from './events.ts'
import type { Hooks } from './hooks.ts'
import type { IqHandler, IqMatch, ModuleHost } from './host.ts'
import type { Life } from './life.ts'
import type { HostKind, ServiceName, Services } from './module.ts'
import { stage } from './stages.ts'
import type { VirtualHost } from './virtual-host.ts'

/** What is the same for all hosts and modules. */
export interface Kernel {
  readonly router: Router
  readonly pending: PendingIqs
  readonly clock: Clock
  readonly random: Random
  readonly pbkdf2: KeyDerivation
  parseJid(text: string): Jid
  tryParseJid(text: string): Jid | undefined
  domains(kind: HostKind): readonly string[]
  roleOf(jid: Jid): Maybe<AccountRole | undefined>
  isConnected(jid: Jid): boolean
  /** Serves a path of the http listeners. */
  route(path: string, handler: HttpHandler): Disposable
  /** The hooks of a host of this server. */
  hooksOf(domain: string): Hooks<HostHooks> | undefined
  /** Deletes what any module has stored for a node of a host. */
  purge(domain: string, node: string): Promise<void>
}

/** `host` as the module `name` sees it. */
export function viewOf(
  host: VirtualHost,
  kernel: Kernel,
  name: string,
  life: Life,
  log: Log,
  service: (name: string) => unknown,
): ModuleHost<ServiceName> {
  const { hooks, provisions } = host
  const view: ModuleHost<ServiceName> = {
    domain: host.domain,
    kind: host.kind,
    jid: host.jid,
    get admins() {
      return host.settings.admins
    },
    get anonymous() {
      return host.settings.anonymous
    },
    siblings: (kind) => kernel.domains(kind).filter((domain) => domain !== host.domain),
    roleOf: (jid) => kernel.roleOf(jid),
    isConnected: (jid) => kernel.isConnected(jid),
    pbkdf2: kernel.pbkdf2,
    log,
    clock: kernel.clock,
    random: kernel.random,

    on: (hook, handler, at = 'deliver') => void life.use(hooks.on(hook, handler, stage[at], name)),
    fire: (hook, event) => hooks.fire(hook, event),
    announce: (hook, event) => hooks.announce(hook, event),
    fireAt: (domain, hook, event) => kernel.hooksOf(domain)?.fire(hook, event),

    // The table asks handlers of `self` only for clients of their own account.
    iq: (match: IqMatch, handler: IqHandler<never>) => void life.use(host.iqs.on(match, handler as IqHandler)),
    nonza: ({ ns, name: element }, handler) => tie(life, host.nonzas, `${ns} ${element}`, handler),
    streamIq: ({ type, ns, name: element }, handler) => tie(life, host.streamIqs, `${type} ${ns} ${element}`, handler),
    streamFeature: (feature) => view.provide('stream-feature', feature),

    route: (path, handler) => void life.use(kernel.route(path, handler)),

    feature: (ns) => view.provide('feature', ns),
    provide: (kind, item) => void life.use(provisions.provide(kind, item)),
    provideUntil: (kind, item) => provisions.provide(kind, item),
    each: (kind, added) => void life.use(provisions.each(kind, added)),
    items: (kind) => provisions.items(kind),
    command: (declared) => view.provide('command', command(declared)),

    // The loader sets up those named in `depends` first.
    service: (other) => service(other) as Services[typeof other],
    optionalService: (other) => service(other) as Services[typeof other] | undefined,

    account: (bare) => host.directory.account(bare),
    get accounts() {
      return host.directory.accounts
    },
    holdAccount: (jid) => host.directory.hold(jid),
    bindSession: (stream, account, resource) => host.bind(stream, account, resource),
    restoreSession: (account, resource) => host.restore(account, resource),
    attachSession: (session, stream) => host.attach(session, stream),
    closeSession: (session, error) => host.closeSession(session, error),

    get component() {
      return host.component
    },
    bindComponent: (stream, proof) => host.bindComponent(stream, proof),

    send: (stanza) =>
      view.sendTo(kernel.parseJid(stanza.to ?? ''), stanza, kernel.parseJid(stanza.from ?? host.domain)),
    sendTo: (to, stanza, from) => kernel.router.route(new RoutedStanza(stanza, host.origin, from, to)),
    request: async ({ from, to, type, payload, id = kernel.random.id() }) => {
      const answer = kernel.pending.expect(from, to, id)
      await view.sendTo(to, iq({ type, from: from.full, to: to.full, id }, payload), from)
      return answer
    },
    parseJid: (text) => kernel.parseJid(text),
    tryParseJid: (text) => kernel.tryParseJid(text),
    purge: (node) => kernel.purge(host.domain, node),

    slot: (slot, initial) => host.slots.slot(`session ${name} ${slot}`, initial),
    lastingSlot: (slot, initial) => {
      const of = view.slot(slot, initial)
      const key = `${name} ${slot}`
      view.on('session/saving', ({ session, facts }) => void facts.set(key, of(session)))
      view.on('session/restored', ({ session, facts }) => void Object.assign(of(session), facts.get(key)))
      return of
    },
    accountSlot: (slot, initial) => host.slots.slot(`account ${name} ${slot}`, initial),

    spawn: (task, run) => life.spawn(task, run),
    every: (interval, task, run) => life.every(interval, task, run),
    after: (seconds, task, run) => life.after(seconds, task, run),
    use: (resource) => life.use(resource),
    defer: (cleanup) => life.defer(cleanup),
  }
  return view
}

/** Puts a handler into a table for as long as the module lives. */
function tie<V>(life: Life, table: Map<string, V>, key: string, handler: V): void {
  if (table.has(key)) throw new Error(`two modules handle ${key}`)
  table.set(key, handler)
  life.defer(() => void table.delete(key))
}
