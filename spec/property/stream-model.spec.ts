/**
 * Streams against a model of them: clients that do anything in any order. Whatever they do, nothing is routed before a
 * resource is bound, nobody becomes somebody else, a full JID has one owner, and nothing goes wrong inside.
 */
import fc from 'fast-check'
import t from 'tap'
import { stage } from '../../server/host/stages.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { FakeTransport } from '../server/stream/fake-world.ts'
import { bind, header, plainAuth } from '../server/stream/raw-client.ts'
import { startOwnServer } from '../support/own-server.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_007)
const runs = Number(process.env['RUNS'] ?? 250)
t.comment(`SEED=${seed} RUNS=${runs}`)

const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const NS_TLS = 'urn:ietf:params:xml:ns:xmpp-tls'
const USERS = ['romeo', 'juliet'] as const
const RESOURCES = ['a', 'b'] as const
const CLIENTS = 3

const user = fc.constantFrom(...USERS)
const resource = fc.constantFrom(...RESOURCES)
const frequent = { weight: 6 }

const command = fc.oneof(
  { ...frequent, arbitrary: fc.record({ does: fc.constant('header' as const), to: fc.constant('localhost') }) },
  fc.record({ does: fc.constant('header' as const), to: fc.constantFrom('conference.localhost', 'mantua.example') }),
  { weight: 2, arbitrary: fc.record({ does: fc.constant('starttls' as const), works: fc.boolean() }) },
  {
    ...frequent,
    arbitrary: fc.record({ does: fc.constant('auth' as const), user, password: fc.constant('password') }),
  },
  fc.record({ does: fc.constant('auth' as const), user, password: fc.constant('wrong') }),
  fc.record({ does: fc.constantFrom('scram' as const, 'response' as const, 'abort' as const) }),
  { ...frequent, arbitrary: fc.record({ does: fc.constant('bind' as const), resource }) },
  { ...frequent, arbitrary: fc.record({ does: fc.constant('message' as const), to: user, at: resource }) },
  fc.record({ does: fc.constantFrom('garbage' as const, 'space' as const, 'close' as const) }),
  fc.record({ does: fc.constantFrom('end' as const, 'gone' as const) }),
)
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never

/** What is true of a client, as far as the model knows. */
interface Model {
  /** An XML declaration has to be the very first thing on a connection. */
  mayDeclare: boolean
  isOpen: boolean
  isSecure: boolean
  inScram: boolean
  failures: number
  user: string | undefined
  resource: string | undefined
  isOver: boolean
}

class Client {
  readonly transport = new FakeTransport()
  stream: Stream | undefined
  /** What it was found to be, which must stay true. */
  identity: string | undefined
  model: Model = {
    mayDeclare: true,
    isOpen: false,
    isSecure: false,
    inScram: false,
    failures: 0,
    user: undefined,
    resource: undefined,
    isOver: false,
  }
}

const lines: string[] = []
const own = await startOwnServer({
  log: { write: (line) => void lines.push(line) },
  config: 'c2s: { require_encryption: never }',
})
const { host } = own.server.hosts.get('localhost') ?? {}
if (host === undefined) throw new Error('no host')
for (const name of USERS) await own.accounts('localhost').create(name, 'password')
t.teardown(() => own[Symbol.asyncDispose]())

/** Senders of whatever was routed and not bound when it was. */
const early: string[] = []
for (const hook of ['outgoing/message', 'outgoing/presence', 'outgoing/iq'] as const) {
  host.hooks.on(
    hook,
    ({ origin }) => {
      const isOwner = origin.account.session(origin.resource) === origin
      if (!isOwner || origin.stream?.facts.has('bound') !== true) early.push(origin.jid.full)
      return undefined
    },
    stage.guard,
    'spec',
  )
}

t.test('clients may do what they like', async (t) => {
  const sequence = fc.array(fc.tuple(fc.nat(CLIENTS - 1), command), { minLength: 5, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(sequence, async (steps) => {
      const clients = Array.from({ length: CLIENTS }, connect)
      try {
        for (const [at, step] of steps) {
          if (clients[at]?.model.isOver) clients[at] = connect()
          await perform(clients, clients[at] ?? connect(), step)
        }
      } finally {
        for (const { transport } of own.server.front.streams) (transport as FakeTransport).gone()
        await own.server.front.emptied()
      }
      if ([...host.directory.accounts].length > 0) throw new Error('accounts are left')
    }),
    { seed, numRuns: runs },
  )
  t.same(early, [], 'nothing is routed for those who have no resource')
  t.same(
    lines.filter((line) => /"level":"error"/.test(line)),
    [],
    'nothing goes wrong inside',
  )
})

t.test('clients may go at any time, with much unanswered', async (t) => {
  const login: readonly Command[] = [
    { does: 'header', to: 'localhost' },
    { does: 'auth', user: 'romeo', password: 'password' },
    { does: 'header', to: 'localhost' },
    { does: 'bind', resource: 'a' },
    { does: 'message', to: 'romeo', at: 'a' },
  ]
  /** What is sent at once, and how many turns of the event loop the client stays. */
  const visit = fc.record({
    steps: fc.oneof(fc.constant(login), fc.array(command, { maxLength: 8 })),
    turns: fc.integer({ min: 0, max: 12 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(visit, { minLength: 1, maxLength: 4 }), async (visits) => {
      await Promise.all(
        visits.map(async ({ steps, turns }) => {
          const { transport } = connect()
          for (const step of steps) transport.receive(textOf(step))
          for (let i = 0; i < turns; i++) await new Promise(setImmediate)
          transport.gone()
        }),
      )
      await own.server.front.emptied()
      // Passwords are checked in other threads; what comes of that comes later.
      await own.accounts('localhost').setPassword('juliet', 'password')
      await new Promise(setImmediate)
      const left = [...host.directory.accounts].flatMap(({ sessions }) => [...sessions]).map(({ jid }) => jid.full)
      if (left.length > 0) throw new Error(`${left.join()} has no stream, and stays`)
    }),
    { seed, numRuns: runs },
  )
  t.same(early, [])
  t.same(
    lines.filter((line) => line.includes('"level":"error"')),
    [],
  )
})

function connect(): Client {
  const client = new Client()
  // From this machine PLAIN is allowed.
  client.transport.local = true
  const before = new Set(own.server.front.streams)
  own.server.front.accept(client.transport)
  client.stream = [...own.server.front.streams].find((stream) => !before.has(stream))
  return client
}

async function perform(clients: readonly Client[], client: Client, step: Command): Promise<void> {
  const { transport, model } = client
  for (const one of clients) one.transport.take()
  const expected = predict(clients, model, step)
  if (step.does === 'end') transport.listener.onWireEnd()
  else if (step.does === 'gone') transport.gone()
  else transport.receive(textOf(step))
  if (step.does === 'starttls' && expected.test('<proceed ')) await finishTls(transport, step.works)
  await settle(clients)
  const written = transport.take()
  if (!expected.test(written)) throw new Error(`${JSON.stringify(step)}: expected ${expected.source}, but: ${written}`)
  if (transport.isEnded !== model.isOver && step.does !== 'gone' && step.does !== 'starttls') {
    throw new Error(`${JSON.stringify(step)}: ${model.isOver ? 'should' : 'should not'} be over`)
  }
  for (const one of clients) if (one.model.isOver) one.transport.gone()
  if (step.does === 'message') checkDelivery(clients, client, step)
  checkInvariants(clients)
}

/** What is said; what the wire does besides is for the caller. */
function textOf(step: Command): string {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the rest says nothing
  switch (step.does) {
    case 'header':
      return header(step.to)
    case 'starttls':
      return `<starttls xmlns='${NS_TLS}'/>`
    case 'auth':
      return plainAuth(step.user, step.password)
    case 'scram':
      return `<auth xmlns='${NS_SASL}' mechanism='SCRAM-SHA-1'>${Buffer.from('n,,n=romeo,r=abc').toString('base64')}</auth>`
    case 'response':
      return `<response xmlns='${NS_SASL}'>AAAA</response>`
    case 'abort':
      return `<abort xmlns='${NS_SASL}'/>`
    case 'bind':
      return bind(step.resource)
    case 'message':
      return `<message to='${step.to}@localhost/${step.at}' type='headline' id='m'/>`
    case 'garbage':
      return '<<'
    case 'close':
      return '</stream:stream>'
    default:
      return ' '
  }
}

const ERROR = /<stream:error>.*<\/stream:stream>$/s
const CLOSED = /^(?:<\?xml[^>]*\?><stream:stream [^>]*>)?<\/stream:stream>$/
const NOTHING = /^$/

/** What a client is answered, and what becomes of it. */
function predict(clients: readonly Client[], model: Model, step: Command): RegExp {
  const over = (answer: RegExp): RegExp => {
    model.isOver = true
    return answer
  }
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the rest needs an open stream
  switch (step.does) {
    case 'space':
      if (!model.isSecure && model.user === undefined) model.mayDeclare = false
      return NOTHING
    case 'gone':
      return over(NOTHING)
    case 'end':
      return over(CLOSED)
    case 'garbage':
      return over(ERROR)
    case 'close':
      return over(model.isOpen ? CLOSED : ERROR)
    case 'header':
      if (model.isOpen || !model.mayDeclare || step.to !== 'localhost') return over(ERROR)
      model.isOpen = true
      return /<\/stream:features>$/
    default:
      return model.isOpen ? predictNegotiation(clients, model, step, over) : over(ERROR)
  }
}

function predictNegotiation(
  clients: readonly Client[],
  model: Model,
  step: Command,
  over: (answer: RegExp) => RegExp,
): RegExp {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the rest is dealt with above
  switch (step.does) {
    case 'starttls':
      if (model.isSecure || model.user !== undefined) return over(/^<failure xmlns=[^>]*tls'\/><\/stream:stream>$/)
      model.isOpen = false
      model.mayDeclare = true
      model.isSecure = true
      model.failures = 0
      model.inScram = false
      return step.works ? /^<proceed / : over(/^<proceed /)
    case 'auth':
    case 'scram':
    case 'response':
    case 'abort':
      if (model.user !== undefined) return over(ERROR)
      return predictLogin(model, step, over)
    case 'bind':
      if (model.user === undefined) return over(ERROR)
      if (model.resource !== undefined) return /^<iq [^>]*type='error'/
      model.resource = step.resource
      for (const { model: other } of clients) {
        if (other !== model && other.user === model.user && other.resource === step.resource) other.isOver = true
      }
      return new RegExp(`<jid>${model.user}@localhost/${step.resource}</jid>`)
    case 'message':
      return model.resource === undefined ? over(ERROR) : /^(?:<message [^>]*type='headline'.*)?$/
    default:
      return NOTHING
  }
}

function predictLogin(model: Model, step: Command, over: (answer: RegExp) => RegExp): RegExp {
  const wasInScram = model.inScram
  model.inScram = step.does === 'scram' && !wasInScram
  if (model.inScram) return /^<challenge /
  if (step.does === 'auth' && step.password === 'password' && !wasInScram) {
    model.user = step.user
    model.mayDeclare = true
    model.isOpen = false
    return /^<success /
  }
  model.failures++
  return model.failures < 5
    ? /^<failure .*<\/failure>$/
    : over(/^<failure .*<\/failure><stream:error><policy-violation/)
}

async function finishTls(transport: FakeTransport, works: boolean): Promise<void> {
  const { tls } = transport
  transport.tls = Promise.withResolvers()
  if (works) {
    tls.resolve()
    return
  }
  transport.gone()
  tls.reject(new Error('broken off'))
  await tls.promise.catch(() => {})
}

/** A stream that waits for something of its own reads nothing until it has it. */
async function settle(clients: readonly Client[]): Promise<void> {
  const deadline = performance.now() + 5_000
  do {
    await new Promise(setImmediate)
    if (performance.now() > deadline) throw new Error('a stream waits for ever')
  } while (clients.some(({ transport, model }) => transport.isPaused && !model.isOver))
  await new Promise(setImmediate)
}

function checkDelivery(clients: readonly Client[], from: Client, step: Command & { does: 'message' }): void {
  if (from.model.resource === undefined) return
  const sender = `${from.model.user}@localhost/${from.model.resource}`
  for (const { transport, model } of clients) {
    const isMeant = model.user === step.to && model.resource === step.at && !model.isOver
    const received = transport.written.includes(`from='${sender}'`) || (transport === from.transport && isMeant)
    if (isMeant !== received) throw new Error(`a message from ${sender} to ${step.to}/${step.at}: ${String(received)}`)
  }
}

function checkInvariants(clients: readonly Client[]): void {
  const owners = new Set<string>()
  for (const client of clients) {
    const { stream } = client
    if (stream === undefined) throw new Error('a connection without a stream')
    const { identity } = stream
    if (client.identity !== undefined && identity?.bare !== client.identity) {
      throw new Error(`${client.identity} has become ${String(identity?.bare)}`)
    }
    client.identity = identity?.bare
    if ((identity !== undefined) !== stream.facts.has('authenticated')) throw new Error('an identity without a login')
    if ((identity?.resource !== undefined) !== stream.facts.has('bound')) throw new Error('a resource without binding')
    if (identity?.resource === undefined || stream.closed) continue
    if (owners.has(identity.full)) throw new Error(`${identity.full} has two owners`)
    owners.add(identity.full)
    const session = host?.directory.account(identity.bare)?.session(identity.resource)
    if (session?.stream !== stream) throw new Error(`${identity.full} is not its own session`)
  }
}
