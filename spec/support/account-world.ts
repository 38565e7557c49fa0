/**
 * A server with accounts and clients in this process: the real server with its modules, a clock that is set by hand, and
 * no wires. What a client would be sent lands in its inbox.
 */
import { allModules } from '../../modules/catalogue.ts'
import type { Accounts } from '../../server/auth/accounts.ts'
import { loadConfig } from '../../server/config/config.ts'
import type { AnyModule } from '../../server/host/module.ts'
import type { VirtualHost } from '../../server/host/virtual-host.ts'
import { Jid } from '../../server/jid/jid.ts'
import { createLog } from '../../server/log/log.ts'
import { type Origin, RoutedStanza } from '../../server/routed-stanza.ts'
import { Server } from '../../server/server.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { SystemRandom } from '../../server/util/random.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import { Storage } from '../../storage/storage.ts'
import { FakeClock } from './fake-clock.ts'

export interface AccountWorldOptions {
  /** YAML of the modules of `localhost`, in braces. */
  readonly modules?: string
  /** Further options of `localhost`, as YAML in one line: `admins: [a@localhost]`. */
  readonly host?: string
  /** Modules besides our own. */
  readonly others?: readonly AnyModule[]
}

export class AccountWorld implements AsyncDisposable {
  readonly clock: FakeClock
  readonly storage: Storage
  readonly server: Server
  /** Lines that the server has logged: there should be none. */
  readonly complaints: string[]

  static async open({ modules = '{}', host = '', others = [] }: AccountWorldOptions = {}): Promise<AccountWorld> {
    const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'))
    const complaints: string[] = []
    const log = createLog({ level: 'warn', modules: new Map() }, { write: (line) => void complaints.push(line) })
    const storage = await Storage.start({ driver: 'memory' }, { clock, log })
    const known = [...(await allModules()), ...others]
    const text = `data: /nowhere\nhosts: { localhost: { modules: ${modules}${host === '' ? '' : `, ${host}`} } }`
    const checked = loadConfig({ file: 'world.yaml', text, modules: known, components: ['muc'] })
    if ('problems' in checked) throw new Error(checked.problems.map(({ message }) => message).join('\n'))
    const parts = { config: checked.ok, modules: known, storage, log, clock, random: new SystemRandom() }
    const world = new AccountWorld(new Server(parts), clock, storage, complaints)
    await world.server.start({ listen: false })
    return world
  }

  private constructor(server: Server, clock: FakeClock, storage: Storage, complaints: string[]) {
    this.server = server
    this.clock = clock
    this.storage = storage
    this.complaints = complaints
  }

  get host(): VirtualHost {
    const served = this.server.hosts.get('localhost')
    if (served === undefined) throw new Error('there is no host')
    return served.host
  }

  get accounts(): Accounts {
    // The module of that name gives this service.
    return this.server.hosts.get('localhost')?.loader.service('accounts') as Accounts
  }

  /** A client with that full address; its account is made if need be. It has sent presence, unless it is silent. */
  async client(address: string, { silent = false } = {}): Promise<Person> {
    const jid = Jid.parse(address)
    const node = jid.node ?? ''
    if (!(await this.accounts.exists(node))) await this.accounts.create(node, 'secret')
    const person = new Person((session) => this.host.closeSession(session))
    using held = this.host.directory.hold(jid.toBare())
    await this.host.hooks.fire('session/binding', { account: held.account, stream: person.stream })
    person.session = this.host.bind(person.stream, held.account, jid.resource ?? '')
    if (!silent) {
      await person.say('<presence/>')
      person.take()
    }
    return person
  }

  /** Hands in a stanza as if another server had sent it. */
  async deliver(stanza: Stanza): Promise<void> {
    const [from, to] = [stanza.from, stanza.to].map((address) => Jid.parse(address ?? ''))
    if (from === undefined || to === undefined) throw new Error('a stanza needs addresses')
    const origin = { kind: 'server', jid: from, send: () => true } as const
    await this.host.incoming(new RoutedStanza<Origin>(stanza, origin, from, to))
    await settled()
  }

  /** Lets time pass, and waits for what that sets off. */
  async advance(milliseconds: number): Promise<void> {
    this.clock.advance(milliseconds)
    await settled()
  }

  /** Gives an administrative command; what it reports. */
  async command(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<readonly string[]> {
    const command = [...this.host.provisions.items('command')].find((item) => item.name === name)
    if (command === undefined) throw new Error(`there is no command ${name}`)
    const lines: string[] = []
    await command.run(args, (line) => void lines.push(line))
    return lines
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop()
  }
}

/** A client, without a wire. */
export class Person {
  readonly stream: Stream
  /** Everything received that nobody has taken yet. */
  readonly inbox: Stanza[] = []
  readonly #leave: (session: ClientSession) => void
  #session: ClientSession | undefined

  constructor(leave: (session: ClientSession) => void) {
    this.#leave = leave
    const stream: Pick<Stream, 'bind' | 'send' | 'close' | 'pause' | 'resume' | 'lang' | 'closed'> = {
      lang: undefined,
      closed: false,
      bind() {},
      close() {},
      pause() {},
      resume() {},
      send: (item) => {
        if (item instanceof Stanza) this.inbox.push(item)
        return true
      },
    }
    // A session asks for nothing else of its stream.
    this.stream = stream as unknown as Stream
  }

  get session(): ClientSession {
    if (this.#session === undefined) throw new Error('is not there yet')
    return this.#session
  }

  set session(session: ClientSession) {
    this.#session = session
  }

  get jid(): Jid {
    return this.session.jid
  }

  /** Sends XML, and waits for what that sets off. */
  async say(xml: string): Promise<void> {
    this.session.receive(Stanza.parse(xml))
    await settled()
  }

  /** Asks something of the own account. Gives the answer; what else came stays in the inbox, but nothing older. */
  async ask(type: 'get' | 'set', payload: string): Promise<Stanza> {
    this.take()
    await this.say(`<iq type='${type}' id='q'>${payload}</iq>`)
    const place = this.inbox.findIndex(({ name, id }) => name === 'iq' && id === 'q')
    const [answer] = place === -1 ? [] : this.inbox.splice(place, 1)
    if (answer === undefined) throw new Error('there is no answer')
    return answer
  }

  leave(): Promise<void> {
    this.#leave(this.session)
    return settled()
  }

  /** Takes everything out of the inbox. */
  take(): readonly Stanza[] {
    return this.inbox.splice(0)
  }

  /** The ids of the messages in the inbox, which is empty then. */
  messages(): readonly (string | undefined)[] {
    return this.take()
      .filter(({ name }) => name === 'message')
      .map(({ id }) => id)
  }
}

/** Until everything that was set off is done: nothing here waits for anything but other turns. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}
