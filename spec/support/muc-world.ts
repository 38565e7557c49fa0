/**
 * A service of rooms with people around it, in this process: the real module behind the real router, no streams. People
 * are addresses at another host; what is sent to them lands in their inbox, or comes back if they cannot be reached.
 */
import muc from '../../modules/mod_muc/index.ts'
import type { MultiUserChat } from '../../modules/mod_muc/facade.ts'
import type { Rooms } from '../../modules/mod_muc/rooms.ts'
import { readArguments } from '../../server/admin/arguments.ts'
import { KeyDerivationQueue } from '../../server/auth/pbkdf2.ts'
import { loadConfig } from '../../server/config/config.ts'
import { HostSet } from '../../server/host/host-set.ts'
import type { HostHooks } from '../../server/host/events.ts'
import type { HandlerOf } from '../../server/host/hooks.ts'
import type { AnyModule } from '../../server/host/module.ts'
import type { Kernel } from '../../server/host/module-host.ts'
import { Jid } from '../../server/jid/jid.ts'
import { createLog } from '../../server/log/log.ts'
import { PendingIqs } from '../../server/pending-iqs.ts'
import { handled, type Handled, type Origin, RoutedStanza } from '../../server/routed-stanza.ts'
import { Router } from '../../server/router.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { SystemRandom } from '../../server/util/random.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import { Storage } from '../../storage/storage.ts'
import { FakeClock } from './fake-clock.ts'

export const SERVICE = 'conference.localhost'
export const ROOM = `room@${SERVICE}`

export interface WorldOptions {
  /** YAML of the options of the service, in braces. */
  readonly config?: string
  /** Of an earlier world, which was closed: what was stored there is still there. */
  readonly storage?: Storage
  /** Those who are connected from the beginning: people of an earlier world who have noticed nothing. */
  readonly people?: readonly Person[]
  /** Other modules on the service. */
  readonly modules?: readonly AnyModule[]
}

export class MucWorld implements AsyncDisposable {
  readonly clock: FakeClock
  readonly storage: Storage
  /** Lines that the server has logged: there should be none. */
  readonly complaints: string[]
  /** What people are on the host of their accounts. */
  readonly roles = new Map<string, 'user' | 'admin'>()
  readonly #hosts: HostSet
  readonly #router: Router
  readonly #people = new Map<string, Person>()

  static async open({ config = '{}', storage, people = [], modules = [] }: WorldOptions = {}): Promise<MucWorld> {
    const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'))
    const complaints: string[] = []
    const log = createLog({ level: 'warn', modules: new Map() }, { write: (line) => void complaints.push(line) })
    const opened = storage ?? (await Storage.start({ driver: 'memory' }, { clock, log }))
    const world = new MucWorld(clock, opened, config, complaints, [muc, ...modules] as readonly AnyModule[])
    for (const person of people) world.#adopt(person)
    await world.#hosts.start()
    return world
  }

  private constructor(
    clock: FakeClock,
    opened: Storage,
    options: string,
    complaints: string[],
    modules: readonly AnyModule[],
  ) {
    this.clock = clock
    this.storage = opened
    this.complaints = complaints
    const text = `hosts: { localhost: {}, ${SERVICE}: { is: muc, ${options.slice(1)} }`
    const checked = loadConfig({ file: 'world.yaml', text, modules, components: ['muc'] })
    if ('problems' in checked) throw new Error(checked.problems.map(({ message }) => message).join('\n'))
    const log = createLog({ level: 'warn', modules: new Map() }, { write: (line) => void complaints.push(line) })
    const pending = new PendingIqs(clock)
    const host = (domain: string) => (domain === 'localhost' ? undefined : this.#hosts.get(domain)?.host)
    this.#router = new Router({ host, remote: (event) => this.#deliver(event) }, pending, clock, log)
    const kernel = {
      router: this.#router,
      pending,
      clock,
      random: new SystemRandom(),
      pbkdf2: new KeyDerivationQueue(),
      parseJid: (address: string) => Jid.parse(address),
      tryParseJid: (address: string) => Jid.tryParse(address),
      domains: (kind: 'local' | 'muc') => this.#hosts.domains(kind),
      hooksOf: (domain: string) => this.#hosts.get(domain)?.host.hooks,
      isConnected: (jid: Jid) => this.#people.get(jid.full)?.isReachable ?? false,
      roleOf: (jid: Jid) => this.roles.get(jid.bare),
      purge: (domain: string, node: string) => opened.purge(domain, node),
      // The rest of the kernel is for hosts with accounts.
    } as unknown as Kernel
    this.#hosts = new HostSet(kernel, modules, opened, checked.ok, log)
  }

  get rooms(): Rooms {
    // The module of that name gives this service.
    const muc = this.#hosts.get(SERVICE)?.loader.service('muc') as MultiUserChat | undefined
    if (muc === undefined) throw new Error('the service is closed')
    return muc.rooms
  }

  /** Handles a hook of the host where the accounts are. */
  onAccounts<K extends keyof HostHooks>(hook: K, handler: HandlerOf<HostHooks[K]>): void {
    this.#hosts.get('localhost')?.host.hooks.on(hook, handler, 0, 'spec')
  }

  /** Someone with this full address; the same each time. */
  person(address: string): Person {
    const known = this.#people.get(address)
    if (known !== undefined) return known
    return this.#adopt(new Person(Jid.parse(address)))
  }

  #adopt(person: Person): Person {
    person.route = (stanza, from) => this.#send(stanza, from)
    this.#people.set(person.jid.full, person)
    return person
  }

  /** Gives a command, as an admin types it; what it reports. */
  async run(line: string): Promise<readonly string[]> {
    const commands = [...(this.#hosts.get(SERVICE)?.host.provisions.items('command') ?? [])]
    const command = commands.find(({ name }) => line === name || line.startsWith(`${name} `))
    if (command === undefined) throw new Error(`there is no command ${line}`)
    const words = line
      .slice(command.name.length)
      .split(' ')
      .filter((word) => word !== '')
    const lines: string[] = []
    await command.run(readArguments(command, words), (text) => void lines.push(text))
    return lines
  }

  /** Until everything that was set off is done. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  /** Ends the service as a stop of the server does; the storage stays open for the next world. */
  async close(): Promise<void> {
    await this.#hosts.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
    await this.storage.close()
  }

  async #send(stanza: Stanza, from: Person): Promise<void> {
    const to = Jid.parse(stanza.to ?? SERVICE)
    await this.#router.route(new RoutedStanza(stanza.with({ from: from.jid.full }), from, from.jid, to))
  }

  #deliver({ stanza, to }: RoutedStanza): Handled {
    const person = this.#people.get(to.full)
    if (person?.isReachable === false) throw new StanzaError('recipient-unavailable')
    person?.receive(stanza)
    return handled
  }
}

export class Person implements Origin {
  readonly kind = 'client'
  readonly jid: Jid
  /** What is sent to somebody unreachable comes back. */
  isReachable = true
  /** Everything received that nobody has taken yet. */
  readonly inbox: Stanza[] = []
  /** Into the world that they are in. */
  route: (stanza: Stanza, from: Person) => Promise<void> = async () => {}

  constructor(jid: Jid) {
    this.jid = jid
  }

  /** Sends XML; resolves when it has been dealt with. */
  say(xml: string): Promise<void> {
    return this.route(Stanza.parse(xml), this)
  }

  join(nick: string, room = ROOM, inside = ''): Promise<void> {
    return this.say(`<presence to='${room}/${nick}'><x xmlns='http://jabber.org/protocol/muc'>${inside}</x></presence>`)
  }

  leave(nick: string, room = ROOM): Promise<void> {
    return this.say(`<presence to='${room}/${nick}' type='unavailable'/>`)
  }

  speak(body: string, room = ROOM): Promise<void> {
    return this.say(`<message to='${room}' type='groupchat' id='${body}'><body>${body}</body></message>`)
  }

  /** Gives a command to the room; fields by name. */
  command(node: string, fields: Readonly<Record<string, string>> = {}, room = ROOM): Promise<void> {
    const lines = Object.entries(fields).map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
    const form = lines.length === 0 ? '' : `<x xmlns='jabber:x:data' type='submit'>${lines.join('')}</x>`
    return this.say(
      `<iq to='${room}' type='set' id='k'><command xmlns='http://jabber.org/protocol/commands' node='${node}'>${form}</command></iq>`,
    )
  }

  /** Gives roles or affiliations: the items of muc#admin. */
  administer(items: string, room = ROOM): Promise<void> {
    return this.say(
      `<iq to='${room}' type='set' id='a'><query xmlns='http://jabber.org/protocol/muc#admin'>${items}</query></iq>`,
    )
  }

  /** Submits the configuration form: values by the names of fields, without `muc#roomconfig_`. */
  configure(values: Readonly<Record<string, string | readonly string[]>> = {}, room = ROOM): Promise<void> {
    const fields = Object.entries(values).map(([name, value]) => {
      const texts = typeof value === 'string' ? [value] : value
      const field = name.includes('#') || name.includes('}') ? name : `muc#roomconfig_${name}`
      return `<field var='${field}'>${texts.map((text) => `<value>${text}</value>`).join('')}</field>`
    })
    const form = `<x xmlns='jabber:x:data' type='submit'>${fields.join('')}</x>`
    return this.say(
      `<iq to='${room}' type='set' id='c'><query xmlns='http://jabber.org/protocol/muc#owner'>${form}</query></iq>`,
    )
  }

  receive(stanza: Stanza): void {
    this.inbox.push(stanza)
  }

  /** Origin: an answer, or a refusal. */
  send(stanza: Stanza): boolean {
    this.receive(stanza)
    return true
  }

  /** Takes everything out of the inbox. */
  take(): readonly Stanza[] {
    return this.inbox.splice(0)
  }

  /** Takes everything out of the inbox, and says in a few words what it was. */
  hear(): readonly string[] {
    return this.take().map(summary)
  }
}

/**
 * A stanza in a few words: `presence room@…/Nick [110 201] owner/moderator`, `message groupchat room@… "body"`,
 * `iq result`, `presence error conflict`.
 */
export function summary(stanza: Stanza): string {
  const x = stanza.child('x', 'http://jabber.org/protocol/muc#user')
  const codes = x?.elements.filter(({ name }) => name === 'status').map(({ attrs }) => attrs['code']) ?? []
  const items = x?.elements.filter(({ name }) => name === 'item') ?? []
  const condition = stanza.child('error')?.elements[0]?.name
  const body = stanza.childText('body')
  const topic = stanza.childText('subject')
  const words = [
    stanza.name,
    stanza.type,
    condition,
    stanza.type === 'error' || stanza.name === 'iq' ? undefined : stanza.from?.replace(`@${SERVICE}`, ''),
    codes.length > 0 ? `[${codes.join(' ')}]` : undefined,
    ...items.map(({ attrs }) => {
      const { affiliation, role, jid, nick } = attrs
      return [[affiliation, role].filter(Boolean).join('/'), nick && `nick=${nick}`, jid && `jid=${jid}`]
        .filter(Boolean)
        .join(' ')
    }),
    body === undefined ? undefined : `"${body}"`,
    topic === undefined ? undefined : `subject "${topic}"`,
  ]
  return words.filter((word) => word !== undefined).join(' ')
}
