/**
 * How long it takes until everybody is back after a drop: `node scripts/bench/resume.ts [--sessions 5000]`. Clients log
 * in with SCRAM-SHA-256 and turn stream management on; all connections are cut at once; all come back at once, log in
 * and resume. Without TLS, whose handshakes cost as much on any server. The server is a process of its own.
 */
import { execFileSync } from 'node:child_process'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { sessions: { type: 'string', default: '5000' } } })
const sessions = Number(values.sessions)
const PORT = 15_390
/** As made by madrigal.ts. */
const PASSWORD = 'benchpw'
/** Clients that log in at a time before the drop; after it, nobody waits for anybody. */
const AT_A_TIME = 200
const HEADER = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>`

interface Keys {
  readonly clientKey: Buffer
  readonly storedKey: Buffer
}

/** All accounts have the same salt. */
const keysBySalt = new Map<string, Keys>()

class Client {
  readonly #user: string
  #socket: Socket | undefined
  #text = ''
  #wake: (() => void) | undefined
  #id = ''

  constructor(number: number) {
    this.#user = `u${number}`
  }

  async begin(): Promise<void> {
    await this.#login()
    this.#write(`<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`)
    await this.#until(/<\/iq>/)
    this.#write(`<enable xmlns='urn:xmpp:sm:3' resume='true'/><presence/>`)
    this.#id = /id='([^']*)'/.exec(await this.#until(/<enabled[^>]*>/))?.[1] ?? ''
    await this.#until(/<presence[^]*?<\/presence>|<presence[^>]*\/>/)
  }

  drop(): void {
    this.#socket?.destroy()
    this.#text = ''
  }

  async resume(): Promise<void> {
    await this.#login()
    this.#write(`<resume xmlns='urn:xmpp:sm:3' previd='${this.#id}' h='1'/>`)
    await this.#until(/<resumed[^>]*>/)
  }

  async #login(): Promise<void> {
    const socket = connect(PORT, '127.0.0.1')
    this.#socket = socket.setEncoding('utf8').setNoDelay()
    socket.on('data', (chunk: string) => {
      this.#text += chunk
      this.#wake?.()
    })
    socket.on('error', () => {})
    this.#write(HEADER)
    await this.#until(/<\/stream:features>/)
    const bare = `n=${this.#user},r=${this.#user}nonce`
    this.#write(sasl('auth', ` mechanism='SCRAM-SHA-256'`, `n,,${bare}`))
    const challenge = decoded(await this.#until(/<\/challenge>/))
    this.#write(sasl('response', '', finalMessage(bare, challenge)))
    await this.#until(/<\/success>/)
    this.#write(HEADER)
    await this.#until(/<\/stream:features>/)
  }

  #write(text: string): void {
    this.#socket?.write(text)
  }

  async #until(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#text)
      if (match !== null) {
        const end = match.index + match[0].length
        const taken = this.#text.slice(0, end)
        this.#text = this.#text.slice(end)
        return taken
      }
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

function sasl(name: string, attributes: string, text: string): string {
  return `<${name} xmlns='urn:ietf:params:xml:ns:xmpp-sasl'${attributes}>${Buffer.from(text).toString('base64')}</${name}>`
}

function decoded(element: string): string {
  return Buffer.from(/>([^<]*)<\/challenge>/.exec(element)?.[1] ?? '', 'base64').toString()
}

/** RFC 5802 §3, with the part of the password made once. */
function finalMessage(bare: string, challenge: string): string {
  const [nonce = '', salt = '', iterations = ''] = challenge.split(',').map((part) => part.slice(2))
  const { clientKey, storedKey } = keysFor(salt, Number(iterations))
  const withoutProof = `c=biws,r=${nonce}`
  const signature = hmac(storedKey, `${bare},${challenge},${withoutProof}`)
  const proof = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!))
  return `${withoutProof},p=${proof.toString('base64')}`
}

function keysFor(salt: string, iterations: number): Keys {
  const known = keysBySalt.get(salt)
  if (known !== undefined) return known
  const salted = pbkdf2Sync(PASSWORD, Buffer.from(salt, 'base64'), iterations, 32, 'sha256')
  const clientKey = hmac(salted, 'Client Key')
  const keys = { clientKey, storedKey: createHash('sha256').update(clientKey).digest() }
  keysBySalt.set(salt, keys)
  return keys
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

/** User and system time of a process, in seconds. */
function cpuSeconds(pid: string): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const server = (act: 'start' | 'stop'): string =>
  execFileSync(process.execPath, [join(import.meta.dirname, 'madrigal.ts'), act], {
    env: { ...process.env, PORT: String(PORT) },
    encoding: 'utf8',
  }).trim()

const pid = server('start')
try {
  const clients = Array.from({ length: sessions }, (_, number) => new Client(number))
  for (let first = 0; first < sessions; first += AT_A_TIME) {
    await Promise.all(clients.slice(first, first + AT_A_TIME).map((client) => client.begin()))
  }
  for (const client of clients) client.drop()
  await pause(2000)
  const cpu = cpuSeconds(pid)
  const began = performance.now()
  await Promise.all(clients.map((client) => client.resume()))
  const seconds = (performance.now() - began) / 1000
  const used = cpuSeconds(pid) - cpu
  console.log(`${sessions} sessions resumed in ${seconds.toFixed(2)} s, with ${used.toFixed(2)} s of the server's CPU`)
  for (const client of clients) client.drop()
} finally {
  server('stop')
}
