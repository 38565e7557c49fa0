import { createHmac, randomUUID } from 'node:crypto'
import t from 'tap'
import { startOwnServer } from '../support/own-server.ts'
import { Wire } from '../support/wire.ts'

const SASL2 = 'urn:xmpp:sasl:2'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const plain = (user: string, password: string): string => base64(`\0${user}\0${password}`)

function authenticate(mechanism: string, response: string, ...inside: readonly string[]): string {
  return (
    `<authenticate xmlns='${SASL2}' mechanism='${mechanism}'>` +
    `<initial-response>${response}</initial-response>${inside.join('')}</authenticate>`
  )
}

const agent = (id: string): string => `<user-agent id='${id}'><software>Spec</software></user-agent>`

function hashed(token: string, user: string): string {
  const proof = createHmac('sha256', token).update('Initiator').digest()
  return Buffer.concat([Buffer.from(`${user}\0`), proof]).toString('base64')
}

const tokenIn = (success: string): string => /token='([^']+)'/.exec(success)?.[1] ?? ''

t.test('logging in with one exchange', async (t) => {
  const own = await startOwnServer()
  t.teardown(() => own[Symbol.asyncDispose]())
  await own.accounts('localhost').create('juliet', 'secret')
  await own.accounts('localhost').create('romeo', 'secret')
  const { c2s } = own.ports
  const client = (): Wire => {
    const wire = new Wire(c2s)
    t.teardown(() => wire.drop())
    return wire
  }

  await t.test('what can be asked for along with it is offered', async (t) => {
    const features = await client().open()
    t.match(features, `<authentication xmlns='${SASL2}'>`)
    for (const ns of ['urn:xmpp:carbons:2', 'urn:xmpp:csi:0', 'urn:xmpp:sm:3'])
      t.match(features, `<feature var='${ns}'/>`)
    t.match(features, `<sm xmlns='urn:xmpp:sm:3'/>`)
    t.match(features, /<fast xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-NONE<\/mechanism><\/fast>/)
  })

  await t.test('a resource is bound and everything switched on', async (t) => {
    const wire = client()
    await wire.open('juliet@localhost')
    const bind =
      `<bind xmlns='urn:xmpp:bind:0'><tag>Spec</tag><enable xmlns='urn:xmpp:carbons:2'/>` +
      `<enable xmlns='urn:xmpp:sm:3' resume='true'/><inactive xmlns='urn:xmpp:csi:0'/></bind>`
    wire.write(authenticate('PLAIN', plain('juliet', 'secret'), agent(randomUUID()), bind))
    const success = await wire.until(/<\/success>/)
    t.match(success, /<authorization-identifier>juliet@localhost\/Spec\/[\w-]{12}<\/authorization-identifier>/)
    t.match(success, /<bound xmlns='urn:xmpp:bind:0'><metadata xmlns='urn:xmpp:mam:2'\/><enabled xmlns='urn:xmpp:sm:3'/)
    await wire.until(/<stream:features/)
    wire.write(`<iq type='get' id='p1' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`)
    t.match(await wire.until(/id='p1'[^>]*>/), `type='result'`)
  })

  await t.test('who reads the archive is not sent what is in it', async (t) => {
    await own.accounts('localhost').create('nurse', 'secret')
    const romeo = client()
    await romeo.open()
    romeo.write(authenticate('PLAIN', plain('romeo', 'secret'), `<bind xmlns='urn:xmpp:bind:0'/>`))
    await romeo.until(/<stream:features/)
    const ping = `<iq type='get' id='done' to='nurse@localhost'><ping xmlns='urn:xmpp:ping'/></iq>`
    romeo.write(`<message to='nurse@localhost' type='chat'><body>Where is she?</body></message>${ping}`)
    await romeo.until(/id='done'/)

    const nurse = client()
    await nurse.open()
    nurse.write(authenticate('PLAIN', plain('nurse', 'secret'), `<bind xmlns='urn:xmpp:bind:0'/>`))
    t.match(await nurse.until(/<stream:features/), /<metadata xmlns='urn:xmpp:mam:2'><start id=/)
    nurse.write(`<presence/><message to='nurse@localhost' type='chat'><body>Done</body></message>`)
    t.notMatch(await nurse.until(/<body>Done/), 'Where is she')
  })

  await t.test('the same installation gets the same resource, and replaces what it had', async (t) => {
    const id = randomUUID()
    const login = async (): Promise<{ wire: Wire; jid: string }> => {
      const wire = client()
      await wire.open()
      wire.write(authenticate('PLAIN', plain('juliet', 'secret'), agent(id), `<bind xmlns='urn:xmpp:bind:0'/>`))
      const success = await wire.until(/<\/success>/)
      return { wire, jid: /identifier>([^<]+)</.exec(success)?.[1] ?? '' }
    }
    const first = await login()
    const second = await login()
    t.equal(first.jid, second.jid)
    t.notMatch(first.jid, id, 'and its id does not show')
    t.match(await first.wire.until(/<\/stream:error>/), '<conflict')
  })

  await t.test('a token takes the place of the password', async (t) => {
    const id = randomUUID()
    const first = client()
    await first.open('juliet@localhost')
    const want = `<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>`
    first.write(authenticate('PLAIN', plain('juliet', 'secret'), agent(id), want))
    const token = tokenIn(await first.until(/<\/success>/))
    t.not(token, '')

    const use = async (fast: string, user = 'juliet', client_ = id): Promise<string> => {
      const wire = client()
      await wire.open('juliet@localhost')
      wire.write(authenticate('HT-SHA-256-NONE', hashed(token, user), agent(client_), fast))
      return wire.until(/<\/(success|failure)>/)
    }
    const answer = createHmac('sha256', token).update('Responder').digest('base64')
    t.match(await use(`<fast xmlns='urn:xmpp:fast:0'/>`), `<additional-data>${answer}</additional-data>`)
    t.match(await use(`<fast xmlns='urn:xmpp:fast:0'/>`), '<success', 'again')
    t.match(await use(`<fast xmlns='urn:xmpp:fast:0'/>`, 'juliet', randomUUID()), '<not-authorized', 'another client')
    t.match(await use(`<fast xmlns='urn:xmpp:fast:0'/>`, 'romeo'), '<not-authorized', 'another account')
    t.match(await use(''), '<malformed-request', 'without saying so')
    t.match(await use(`<fast xmlns='urn:xmpp:fast:0' invalidate='true'/>`), '<success', 'for the last time')
    t.match(await use(`<fast xmlns='urn:xmpp:fast:0'/>`), '<not-authorized', 'no more')
  })

  await t.test('a new password makes tokens worthless', async (t) => {
    const id = randomUUID()
    const first = client()
    await first.open()
    const want = `<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>`
    first.write(authenticate('PLAIN', plain('romeo', 'secret'), agent(id), want))
    const token = tokenIn(await first.until(/<\/success>/))
    await own.accounts('localhost').setPassword('romeo', 'other')
    const second = client()
    await second.open()
    const fast = `<fast xmlns='urn:xmpp:fast:0'/>`
    second.write(authenticate('HT-SHA-256-NONE', hashed(token, 'romeo'), agent(id), fast))
    t.match(await second.until(/<\/(success|failure)>/), '<not-authorized')
  })

  await t.test('a session is resumed in the same exchange', async (t) => {
    const id = randomUUID()
    const bind = `<bind xmlns='urn:xmpp:bind:0'><enable xmlns='urn:xmpp:sm:3' resume='1'/></bind>`
    const first = client()
    await first.open()
    first.write(authenticate('PLAIN', plain('juliet', 'secret'), agent(id), bind))
    const success = await first.until(/<\/success>/)
    const session = /<enabled[^>]* id='([^']+)'/.exec(success)?.[1] ?? ''
    const jid = /identifier>([^<]+)</.exec(success)?.[1] ?? ''
    first.drop()

    const second = client()
    await second.open()
    const resume = `<resume xmlns='urn:xmpp:sm:3' h='0' previd='${session}'/>`
    second.write(authenticate('PLAIN', plain('juliet', 'secret'), agent(id), resume, bind))
    const resumed = await second.until(/<\/success>/)
    t.match(resumed, `<authorization-identifier>${jid}</authorization-identifier>`)
    t.match(resumed, `<resumed xmlns='urn:xmpp:sm:3' previd='${session}' h='0'/>`)
    t.notMatch(resumed, '<bound', 'a session that is resumed has its resource')

    const third = client()
    await third.open()
    const lost = `<resume xmlns='urn:xmpp:sm:3' h='0' previd='nothing'/>`
    third.write(authenticate('PLAIN', plain('juliet', 'secret'), lost, bind))
    const bound = await third.until(/<\/success>/)
    t.match(bound, /<bound .*<enabled .*<\/bound><failed xmlns='urn:xmpp:sm:3'><item-not-found/)
  })

  await t.test('refusals', async (t) => {
    const wire = client()
    await wire.open('romeo@localhost')
    wire.write(authenticate('PLAIN', plain('juliet', 'wrong')))
    t.match(await wire.until(/<\/failure>/), `<not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)
    wire.write(authenticate('NOTHING', ''))
    t.match(await wire.until(/<\/failure>/), '<invalid-mechanism')
    wire.write(authenticate('PLAIN', '?'))
    t.match(await wire.until(/<\/failure>/), '<incorrect-encoding')
    wire.write(`<response xmlns='${SASL2}'/>`)
    t.match(await wire.until(/<\/failure>/), '<malformed-request')
    wire.write(authenticate('PLAIN', plain('juliet', 'secret')))
    t.match(await wire.until(/<\/failure>/), '<invalid-authzid', 'the stream was opened by somebody else')
    t.match(await wire.until(/<\/stream:error>/), '<policy-violation', 'after five failures')
  })
})
