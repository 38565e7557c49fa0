import { createHmac, pbkdf2Sync, randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { makeCredentials } from '../../../server/auth/credentials.ts'
import type { HashName } from '../../../server/auth/digest.ts'
import { KeyDerivationQueue } from '../../../server/auth/pbkdf2.ts'
import { SystemRandom } from '../../../server/util/random.ts'
import { ScramClient } from '../../server/auth/sasl/scram-client.ts'
import { type OwnServer, startOwnServer } from '../../support/own-server.ts'
import { Wire } from '../../support/wire.ts'

const SASL2 = "xmlns='urn:xmpp:sasl:2'"
const UPGRADE = 'urn:xmpp:sasl:upgrade:0'
const SCRAM_UPGRADE = 'urn:xmpp:scram-upgrade:0'

const node = { 'sha-1': 'sha1', 'sha-256': 'sha256', 'sha-512': 'sha512' } as const

/** A server with Juliet, imported from elsewhere with keys for these hashes only. */
async function serverWith(t: Test, hashes: readonly HashName[]): Promise<OwnServer> {
  const own = await startOwnServer()
  t.teardown(() => own[Symbol.asyncDispose]())
  const options = { pbkdf2: new KeyDerivationQueue(), random: new SystemRandom(), hashes }
  await own.accounts('localhost').createWith('juliet', await makeCredentials('secret', options))
  return own
}

function clientOf(t: Test, own: OwnServer): Wire {
  const wire = new Wire(own.ports.c2s)
  t.teardown(() => wire.drop())
  return wire
}

const mechanismsIn = (features: string): readonly string[] =>
  /<authentication.*?<inline>/s
    .exec(features)?.[0]
    .match(/(?<=<mechanism>)[^<]+/g)
    ?.toSorted() ?? []

/** Logs in with SCRAM up to the last word of the server. */
async function scram(wire: Wire, hash: HashName, inside: string, password = 'secret'): Promise<string> {
  const client = new ScramClient({ username: 'juliet', password, hash: node[hash] })
  const first = client.first().toString('base64')
  wire.write(
    `<authenticate ${SASL2} mechanism='SCRAM-${hash.toUpperCase()}'><initial-response>${first}</initial-response>` +
      `${inside}</authenticate>`,
  )
  const challenge = /<challenge[^>]*>([^<]*)/.exec(await wire.until(/<\/challenge>/))?.[1] ?? ''
  const final = client.final(Buffer.from(challenge, 'base64')).toString('base64')
  wire.write(`<response ${SASL2}>${final}</response>`)
  return wire.until(/<\/(?:success|failure|continue)>/)
}

const wants = (...hashes: readonly string[]): string =>
  hashes.map((hash) => `<upgrade xmlns='${UPGRADE}'>UPGR-SCRAM-${hash}</upgrade>`).join('')

/** Does a task; what the server says to it. */
async function work(wire: Wire, hash: HashName, password = 'secret'): Promise<string> {
  wire.write(`<next ${SASL2} task='UPGR-SCRAM-${hash.toUpperCase()}'/>`)
  const told = await wire.until(/<\/(?:task-data|failure)>/)
  const [, iterations = '', salt = ''] = /<salt [^>]*iterations='(\d+)'>([^<]+)/.exec(told) ?? []
  const bytes = { 'sha-1': 20, 'sha-256': 32, 'sha-512': 64 }[hash]
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), bytes, node[hash])
  wire.write(`<task-data ${SASL2}><hash xmlns='${SCRAM_UPGRADE}'>${salted.toString('base64')}</hash></task-data>`)
  return wire.until(/<\/(?:success|failure|continue)>/)
}

t.test('a client makes the keys that an account lacks, and it can log in with them', async (t) => {
  const own = await serverWith(t, ['sha-1'])
  const wire = clientOf(t, own)
  const features = await wire.open('juliet@localhost')
  t.match(features, `</inline><upgrade xmlns='${UPGRADE}'>UPGR-SCRAM-SHA-512</upgrade>`)
  t.same(mechanismsIn(features), ['PLAIN', 'SCRAM-SHA-1'], 'what it has no keys for is not offered')

  const first = await scram(wire, 'sha-1', wants('SHA-256', 'SHA-512', 'SHA-1', 'SHA-3'))
  t.match(first, /^<continue xmlns='urn:xmpp:sasl:2'><additional-data>dj[^<]+<\/additional-data>/)
  t.match(first, '<tasks><task>UPGR-SCRAM-SHA-512</task></tasks>', 'one at a time, and only those that are of use')
  const second = await work(wire, 'sha-512')
  t.match(second, /^<continue [^>]*><tasks><task>UPGR-SCRAM-SHA-256<\/task><\/tasks>/)
  const last = await work(wire, 'sha-256')
  t.match(last, /^<success [^>]*><authorization-identifier>juliet@localhost</)
  t.match(await wire.until(/<\/stream:features>/), '<bind')

  for (const hash of ['sha-1', 'sha-256', 'sha-512'] as const) {
    const again = clientOf(t, own)
    t.same(mechanismsIn(await again.open('juliet@localhost')).length, 4, 'everything is offered now')
    t.match(await scram(again, hash, wants('SHA-256')), /^<success/, `${hash}, and nothing is left to do`)
  }
})

t.test('what is offered while some accounts lack keys', async (t) => {
  const own = await serverWith(t, ['sha-1', 'sha-256'])
  await own.accounts('localhost').create('romeo', 'secret')
  const offeredTo = async (from?: string): Promise<readonly string[]> => mechanismsIn(await clientOf(t, own).open(from))
  const all = ['PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512']
  t.same(await offeredTo('juliet@localhost'), ['PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256'])
  t.same(await offeredTo('romeo@localhost'), all)
  t.same(await offeredTo('nobody@localhost'), all)
  t.same(await offeredTo(), ['PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256'], 'to a stranger what will do for everybody')
  await own.accounts('localhost').setPassword('juliet', 'another')
  t.same(await offeredTo(), all)
})

t.test('the login is not over before the tasks are done', async (t) => {
  const own = await serverWith(t, ['sha-1'])
  const start = async (): Promise<Wire> => {
    const wire = clientOf(t, own)
    await wire.open('juliet@localhost')
    await scram(wire, 'sha-1', wants('SHA-256'))
    return wire
  }
  const idle = await start()
  idle.write(`<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>`)
  t.match(await idle.until(/<\/stream:error>/), '<not-authorized')

  const hasty = await start()
  hasty.write(`<authenticate ${SASL2} mechanism='PLAIN'/>`)
  t.match(await hasty.until(/<\/stream:error>/), '<policy-violation', 'XEP-0388 §4.8')

  const other = await start()
  other.write(`<next ${SASL2} task='UPGR-SCRAM-SHA-512'/>`)
  t.match(await other.until(/<\/failure>/), '<malformed-request', 'a task that is not due')

  const early = await start()
  early.write(`<task-data ${SASL2}/>`)
  t.match(await early.until(/<\/failure>/), '<malformed-request', 'before it has been told the salt')

  const short = await start()
  short.write(`<next ${SASL2} task='UPGR-SCRAM-SHA-256'/>`)
  await short.until(/<\/task-data>/)
  short.write(`<task-data ${SASL2}><hash xmlns='${SCRAM_UPGRADE}'>AAAA</hash></task-data>`)
  t.match(await short.until(/<\/failure>/), '<malformed-request', 'a hash of another length')
  short.write(`<task-data ${SASL2}/>`)
  t.match(await short.until(/<\/failure>/), '<malformed-request', 'and there is no second try')

  const leaving = await start()
  leaving.write(`<abort ${SASL2}/>`)
  t.match(await leaving.until(/<\/failure>/), '<aborted')

  const { credentials } = (await own.accounts('localhost').get('juliet')) ?? { credentials: {} }
  t.same(Object.keys(credentials), ['sha-1'])
})

t.test('whoever knows an old password cannot add keys to the new one', async (t) => {
  const own = await serverWith(t, ['sha-1'])
  const wire = clientOf(t, own)
  await wire.open('juliet@localhost')
  await scram(wire, 'sha-1', wants('SHA-256'))
  await own.accounts('localhost').setPassword('juliet', 'another')
  t.match(await work(wire, 'sha-256'), '<not-authorized')
})

t.test('a token proves nothing of the password', async (t) => {
  const own = await serverWith(t, ['sha-1'])
  const id = randomUUID()
  const agent = `<user-agent id='${id}'/>`
  const first = clientOf(t, own)
  await first.open('juliet@localhost')
  const want = `<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>`
  const token = /token='([^']+)'/.exec(await scram(first, 'sha-1', agent + want))?.[1] ?? ''

  const second = clientOf(t, own)
  await second.open('juliet@localhost')
  const proof = Buffer.concat([Buffer.from('juliet\0'), createHmac('sha256', token).update('Initiator').digest()])
  second.write(
    `<authenticate ${SASL2} mechanism='HT-SHA-256-NONE'><initial-response>${proof.toString('base64')}` +
      `</initial-response>${agent}<fast xmlns='urn:xmpp:fast:0'/>${wants('SHA-256')}</authenticate>`,
  )
  t.match(await second.until(/<\/(?:success|continue)>/), '<success')
})
