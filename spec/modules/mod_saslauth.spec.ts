import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { makeCertificate, type MadeCertificate, xmppAddr } from '../server/auth/sasl/make-certificate.ts'
import { attributes, ScramClient, type ScramClientOptions } from '../server/auth/sasl/scram-client.ts'
import { base64, header, plainAuth, RawClient } from '../server/stream/raw-client.ts'
import { OPEN, PLAIN, WebClient } from '../server/stream/web-client.ts'
import { type OwnServer, startOwnServer } from '../support/own-server.ts'

const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'

async function start(t: Test, config = '', data?: string): Promise<OwnServer> {
  const own = await startOwnServer({ config, storage: 'sqlite', ...(data !== undefined && { data }) })
  t.teardown(() => own[Symbol.asyncDispose]())
  return own
}

async function folder(t: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'madrigal-sasl-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

/** A client with an open stream, and the features that it was offered. */
async function open(own: OwnServer, tls?: ConnectionOptions): Promise<{ client: RawClient; features: string }> {
  const { c2s, c2s_tls } = own.ports
  const client = await (tls === undefined
    ? RawClient.connect({ port: c2s })
    : RawClient.connectTls({ port: c2s_tls, servername: 'localhost', ...tls }))
  client.send(header('localhost'))
  return { client, features: await client.until('</stream:features>') }
}

const auth = (mechanism: string, text = ''): string =>
  `<auth xmlns='${NS_SASL}' mechanism='${mechanism}'>${text === '' ? '' : base64(text)}</auth>`

const ANSWER =
  /<(?:challenge|success|failure) xmlns='urn:ietf:params:xml:ns:xmpp-sasl'(?:\/>|.*?<\/(?:challenge|success|failure)>)/

/** Its answer: the data of a challenge or of success, or the condition of a failure. */
async function say(client: RawClient, element: string): Promise<string> {
  client.send(element)
  const answer = await client.until(ANSWER)
  const [, condition] = /<failure[^>]*><([\w-]+)/.exec(answer) ?? []
  if (condition !== undefined) return condition
  const [, data = ''] = /<(?:challenge|success)[^>]*>([^<]*)</.exec(answer) ?? []
  return Buffer.from(data, 'base64').toString()
}

/** A whole SCRAM login; gives what the server says at last. */
async function scram(client: RawClient, mechanism: string, options: ScramClientOptions): Promise<string> {
  const dialogue = new ScramClient(options)
  const challenge = await say(client, auth(mechanism, dialogue.first().toString()))
  if (!challenge.startsWith('r=')) return challenge
  const final = dialogue.final(Buffer.from(challenge)).toString('base64')
  const last = await say(client, `<response xmlns='${NS_SASL}'>${final}</response>`)
  return last === dialogue.expected ? 'success' : last
}

const romeo = { username: 'romeo', password: 'password' }

t.test('binds logins to their channel', async (t) => {
  const own = await start(t)
  await own.accounts('localhost').create('romeo', 'password')
  const exporter = (client: RawClient): Buffer =>
    (client.socket as TLSSocket).exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  const endPoint = (client: RawClient): Buffer => {
    const { raw } = (client.socket as TLSSocket).getPeerCertificate()
    return createHash('sha256').update(raw).digest()
  }
  for (const [hash, name] of [
    ['sha1', 'SCRAM-SHA-1-PLUS'],
    ['sha256', 'SCRAM-SHA-256-PLUS'],
    ['sha512', 'SCRAM-SHA-512-PLUS'],
  ] as const) {
    const { client, features } = await open(own, {})
    t.match(features, `<mechanism>${name}</mechanism>`)
    const wrong = { ...romeo, hash, flag: 'p=tls-exporter', bindingData: Buffer.alloc(32) }
    t.equal(await scram(client, name, wrong), 'not-authorized', 'another channel')
    t.equal(await scram(client, name, { ...wrong, flag: 'p=tls-something' }), 'malformed-request', 'no such type')
    const unbound = { ...wrong, flag: 'p=tls-unique' }
    t.equal(await scram(client, name, unbound), 'not-authorized', 'another channel, in the words of old clients')
    t.equal(await scram(client, name, { ...wrong, bindingData: exporter(client) }), 'success')
    client.destroy()

    const old = await open(own, { maxVersion: 'TLSv1.2' })
    t.match(old.features, `<mechanism>${name}</mechanism>`)
    t.notMatch(old.features, 'tls-exporter', 'which TLS 1.2 cannot promise')
    const bound = { ...romeo, hash, flag: 'p=tls-server-end-point', bindingData: endPoint(old.client) }
    t.equal(await scram(old.client, name, bound), 'success')
    old.client.destroy()
  }
})

t.test('notices when somebody has hidden what it offers', async (t) => {
  const own = await start(t)
  await own.accounts('localhost').create('romeo', 'password')
  const { client } = await open(own, {})
  t.equal(await scram(client, 'SCRAM-SHA-256', { ...romeo, hash: 'sha256', flag: 'y' }), 'not-authorized')
  t.equal(await scram(client, 'SCRAM-SHA-256', { ...romeo, hash: 'sha256', flag: 'n' }), 'success')
  client.destroy()

  const plain = await open(own)
  t.equal(await scram(plain.client, 'SCRAM-SHA-256', { ...romeo, hash: 'sha256', flag: 'y' }), 'success')
  plain.client.destroy()

  const hashed = await open(own)
  const challenge = await say(hashed.client, auth('SCRAM-SHA-256', 'n,,n=romeo,r=abc'))
  const [list = ''] = /<mechanisms .*<\/mechanisms>/.exec(hashed.features) ?? []
  const offered = [...list.matchAll(/<mechanism>([^<]+)/g)].map(([, name]) => name ?? '')
  const hash = createHash('sha256').update(offered.toSorted().join('\x1e')).digest('base64')
  t.equal(attributes(challenge)['h'], hash, 'XEP-0474 §6.1')
  hashed.client.destroy()
})

t.test('tells nobody who has an account', async (t) => {
  const data = await folder(t)
  const saltOf = async (own: OwnServer, username: string): Promise<string> => {
    const { client } = await open(own)
    const { s = '', i = '' } = attributes(await say(client, auth('SCRAM-SHA-1', `n,,n=${username},r=abc`)))
    client.destroy()
    return `${s} ${i}`
  }
  const first = await start(t, '', data)
  await first.accounts('localhost').create('romeo', 'password')
  const known = await saltOf(first, 'romeo')
  const ghost = await saltOf(first, 'ghost')
  t.equal(ghost.length, known.length)
  t.equal(ghost.split(' ')[1], known.split(' ')[1])
  t.equal(await saltOf(first, 'ghost'), ghost, 'the same each time')
  t.equal(await saltOf(first, 'Ghost'), ghost, 'and for all who would be the same')
  t.not(await saltOf(first, 'spirit'), ghost)
  t.ok(await saltOf(first, 'no@node'), 'also for names that nobody can have')
  await first.server.stop()

  const second = await start(t, '', data)
  t.equal(await saltOf(second, 'ghost'), ghost, 'and after a restart')
  t.equal(await saltOf(second, 'romeo'), known)
})

t.test('tells that an account is disabled to those who know its password', async (t) => {
  const own = await start(t)
  await own.accounts('localhost').create('romeo', 'password')
  await own.accounts('localhost').update('romeo', { disabled: true })
  const { client } = await open(own)
  t.equal(await say(client, plainAuth('romeo', 'password')), 'account-disabled')
  t.equal(await say(client, plainAuth('romeo', 'guess')), 'not-authorized')
  t.equal(await scram(client, 'SCRAM-SHA-1', { ...romeo, hash: 'sha1' }), 'account-disabled')
  t.equal(await scram(client, 'SCRAM-SHA-1', { ...romeo, password: 'guess', hash: 'sha1' }), 'not-authorized')
  client.destroy()
})

t.test('lets in whom a certificate names, if an authority vouches for it (XEP-0178)', async (t) => {
  const data = await folder(t)
  const one = makeCertificate([xmppAddr('romeo@localhost')], { commonName: 'one' })
  const several = makeCertificate([xmppAddr('romeo@localhost'), xmppAddr('juliet@localhost')], {
    commonName: 'several',
  })
  const nobody = makeCertificate([xmppAddr('ghost@localhost')], { commonName: 'nobody' })
  const elsewhere = makeCertificate([xmppAddr('romeo@mantua.example')], { commonName: 'elsewhere' })
  const unknown = makeCertificate([xmppAddr('romeo@localhost')], { commonName: 'unknown' })
  const authorities = join(data, 'authorities.pem')
  await writeFile(authorities, [one, several, nobody, elsewhere].map(({ pem }) => pem).join(''))
  const own = await start(t, `tls: { client_authorities: ${JSON.stringify(authorities)} }`)
  await own.accounts('localhost').create('romeo', 'password')
  await own.accounts('localhost').create('juliet', 'password')
  const show = ({ pem, keyPem }: MadeCertificate) => open(own, { cert: pem, key: keyPem })

  const plain = await show(one)
  t.match(plain.features, '<mechanism>EXTERNAL</mechanism><mechanism>SCRAM-', 'the strongest first')
  t.equal(await say(plain.client, `<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`), '')
  plain.client.send(header('localhost'))
  await plain.client.until('<bind')
  plain.client.destroy()

  const asked = await show(one)
  t.equal(await say(asked.client, auth('EXTERNAL', 'juliet@localhost')), 'invalid-authzid')
  t.equal(await say(asked.client, auth('EXTERNAL', 'romeo@localhost')), '')
  asked.client.destroy()

  const chosen = await show(several)
  t.equal(await say(chosen.client, `<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`), 'invalid-authzid')
  t.equal(await say(chosen.client, auth('EXTERNAL', 'juliet@localhost')), '')
  chosen.client.destroy()

  const ghost = await show(nobody)
  t.equal(await say(ghost.client, auth('EXTERNAL', 'ghost@localhost')), 'not-authorized')
  t.equal(await say(ghost.client, plainAuth('romeo', 'password')), '', 'other ways are open')
  ghost.client.destroy()

  for (const certificate of [elsewhere, unknown]) {
    const { client, features } = await show(certificate)
    t.notMatch(features, 'EXTERNAL')
    t.equal(await say(client, auth('EXTERNAL', 'romeo@localhost')), 'invalid-mechanism')
    client.destroy()
  }
  const without = await open(own, {})
  t.notMatch(without.features, 'EXTERNAL')
  without.client.destroy()
})

t.test('sends no password where others can read it', async (t) => {
  const own = await start(t, 'c2s: { require_encryption: never }')
  await own.accounts('localhost').create('romeo', 'password')
  const client = await web(own, '192.0.2.1')
  client.socket.send(OPEN)
  const features = await client.until(/features/)
  t.match(features, '<mechanism>SCRAM-SHA-256</mechanism>')
  t.notMatch(features, 'PLAIN')
  client.socket.send(PLAIN('password'))
  t.match(await client.until(/<failure/), '<encryption-required')
  client.socket.terminate()
})

t.test('turns an address away that has guessed too often', async (t) => {
  const own = await start(t, 'c2s: { connections_per_second_per_address: 1000 }')
  await own.accounts('localhost').create('romeo', 'password')
  const guess = async (address: string, password: string): Promise<{ client: WebClient; answer: Promise<string> }> => {
    const client = await web(own, address, 'https')
    client.socket.send(OPEN)
    await client.until(/features/)
    client.socket.send(PLAIN(password))
    const answer = client.until(/<(success|failure)/)
    answer.catch(() => {})
    return { client, answer }
  }
  // Answers come later and later, and nobody waits for them here; they count at once.
  const guesses = await Promise.all(Array.from({ length: 20 }, () => guess('192.0.2.1', 'guess')))
  for (;;) {
    const { client, answer } = await guess('192.0.2.1', 'password')
    const text = await answer
    client.socket.terminate()
    if (text.includes('temporary-auth-failure')) break
    t.match(text, '<success', 'some of the guesses are still being checked')
  }
  const other = await guess('192.0.2.2', 'password')
  t.match(await other.answer, '<success', 'nobody else')
  for (const { client } of [...guesses, other]) client.socket.terminate()
})

/** A web client that comes through a proxy. */
function web(own: OwnServer, address: string, proto = 'http'): Promise<WebClient> {
  const headers = { 'x-forwarded-for': address, 'x-forwarded-proto': proto }
  return WebClient.connect(`ws://127.0.0.1:${own.ports.http}/xmpp-websocket`, { headers })
}
