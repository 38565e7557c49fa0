/**
 * Connections that are dropped at every point of their lives leave nothing behind (CVE-2026-43506). A few here; by hand
 * with many: `CONNECTIONS=5000`, and it tells what was left of the heap.
 */
import { once } from 'node:events'
import net, { type Socket } from 'node:net'
import tls from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import type { Stream } from '../../../server/stream/stream.ts'
import { startOwnServer } from '../../support/own-server.ts'
import { bind, header, plainAuth, RawClient } from './raw-client.ts'
import { OPEN, WebClient } from './web-client.ts'

const connections = Number(process.env['CONNECTIONS'] ?? 160)
const AT_ONCE = 50

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const own = await startOwnServer({ config: 'c2s: { rate: unlimited }' })
t.teardown(() => own[Symbol.asyncDispose]())
await own.accounts('localhost').create('romeo', 'password')
const { c2s, c2s_tls, http } = own.ports
const starttls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
const scram = `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>biwsbj1yb21lbyxyPWFiYw==</auth>`
const presence = `<presence/><iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>`

type Step = readonly [say: string, hear: string]
const opening: Step = [header('localhost'), '</stream:features>']
const securing: Step = [starttls, '<proceed']
const logIn: readonly Step[] = [opening, [plainAuth('romeo', 'password'), '<success'], opening]

async function upTo(...steps: readonly Step[]): Promise<Socket> {
  const client = await RawClient.connect({ port: c2s })
  for (const [say, hear] of steps) {
    client.send(say)
    await client.until(hear)
  }
  return client.socket
}

async function secured(steps: readonly Step[]): Promise<Socket> {
  const client = await RawClient.connectTls({ port: c2s_tls })
  for (const [say, hear] of steps) {
    client.send(say)
    await client.until(hear)
  }
  return client.socket
}

async function saying(port: number, bytes: string): Promise<Socket> {
  const socket = net.connect(port)
  await once(socket, 'connect')
  socket.write(Buffer.from(bytes, 'hex'))
  return socket
}

/** Where connections end: each gives a socket that has got so far. */
const places: readonly ((i: number) => Promise<Socket>)[] = [
  () => upTo(),
  () => upTo(['<stream:stream ', '']),
  () => upTo(opening),
  () => upTo(opening, securing),
  () => upTo(opening, [scram, '</challenge>']),
  () => upTo(opening, [plainAuth('romeo', 'wrong'), '</failure>']),
  () => upTo(...logIn.slice(0, 2)),
  () => upTo(...logIn),
  (i) => upTo(...logIn, [bind(`r${i}`), "type='result'"]),
  (i) => upTo(...logIn, [bind(`r${i}`), "type='result'"], [presence, "id='r'"]),
  () => saying(c2s_tls, ''),
  () => saying(c2s_tls, '160301'),
  () => secured([]),
  (i) => secured([...logIn, [bind(`r${i}`), "type='result'"], [presence, "id='r'"]]),
  () => saying(http, ''),
  () => saying(http, '47'),
  () => saying(http, '160301'),
  async () => {
    const { socket, wire } = await WebClient.connect(`ws://127.0.0.1:${http}/xmpp-websocket`)
    socket.send(OPEN)
    await once(socket, 'message')
    if (wire === undefined) throw new Error('no wire')
    return wire
  },
]

/** What the server has made; it must not be kept by anybody. */
async function visit(i: number, seen: WeakRef<Stream>[]): Promise<void> {
  const place = places[i % places.length]
  const socket = await place?.(i)
  for (const stream of own.server.front.streams) seen.push(new WeakRef(stream))
  if (socket === undefined) return
  const closed = once(socket, 'close')
  if (i % 2 === 0 || socket instanceof tls.TLSSocket) socket.destroy()
  else socket.resetAndDestroy()
  await closed
}

async function visitAll(count: number): Promise<WeakRef<Stream>[]> {
  const seen: WeakRef<Stream>[] = []
  for (let i = 0; i < count; i += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - i) }, (_, j) => visit(i + j, seen)))
    await own.server.front.emptied()
    if (seen.length > 10_000) seen.splice(0, seen.length - 1_000)
  }
  return seen
}

async function heapBytes(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    collect()
  }
  return process.memoryUsage().heapUsed
}

t.test(`${connections} connections leave nothing behind`, { timeout: 600_000 }, async (t) => {
  // The first ones fill caches, and compile.
  await visitAll(places.length * 2)
  const before = await heapBytes()
  const handles = process.getActiveResourcesInfo().length
  const begun = performance.now()
  const seen = await visitAll(connections)
  const seconds = (performance.now() - begun) / 1000
  const after = await heapBytes()
  const kept = seen.filter((one) => one.deref() !== undefined)
  t.equal(kept.length, 0, `no stream of ${seen.length} is kept by anybody`)
  t.equal(own.server.front.streams.size, 0)
  t.same([...(own.server.hosts.get('localhost')?.host.directory.accounts ?? [])], [], 'nor an account')
  t.equal(process.getActiveResourcesInfo().length, handles, 'nor a handle')
  t.comment(
    `${connections} connections in ${seconds.toFixed(1)} s: the heap was ${kilobytes(before)} and is ${kilobytes(after)}`,
  )
  t.ok(after - before < 4_000_000 + connections * 100, 'nor anything else')
})

function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(0)} KB`
}
