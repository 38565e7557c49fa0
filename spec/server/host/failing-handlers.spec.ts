/** A handler that throws harms one stanza only: its sender is told, and everybody goes on. */
import t, { type Test } from 'tap'
import { defineModule } from '../../../server/host/module.ts'
import { startOwnServer } from '../../support/own-server.ts'
import { Wire } from '../../support/wire.ts'

const NS_BROKEN = 'urn:example:broken'
const broken = async (): Promise<never> => {
  throw new TypeError('a bug')
}

const failing = defineModule({
  name: 'failing',
  about: 'fails wherever it can',
  on: ['local'],
  setup(host) {
    host.iq({ type: 'get', ns: NS_BROKEN, name: 'at-once', at: 'host' }, () => {
      throw new TypeError('a bug')
    })
    host.iq({ type: 'get', ns: NS_BROKEN, name: 'later', at: 'host' }, broken)
    host.streamIq({ type: 'get', ns: NS_BROKEN, name: 'early' }, broken)
    host.on('outgoing/message', ({ stanza }) => (stanza.child('fail', NS_BROKEN) === undefined ? undefined : broken()))
    host.on('session/bound', () => {
      throw new TypeError('a bug')
    })
  },
})

async function start(t: Test): Promise<{ client: () => Wire; logged: string[] }> {
  const logged: string[] = []
  const own = await startOwnServer({ modules: [failing], log: { write: (line) => void logged.push(line) } })
  t.teardown(() => own[Symbol.asyncDispose]())
  for (const name of ['romeo', 'juliet']) await own.accounts('localhost').create(name, 'secret')
  const client = (): Wire => {
    const wire = new Wire(own.ports.c2s)
    t.teardown(() => wire.drop())
    return wire
  }
  return { client, logged }
}

const ask = (id: string, what: string): string =>
  `<iq type='get' id='${id}' to='localhost'><${what} xmlns='${NS_BROKEN}'/></iq>`

for (const what of ['at-once', 'later']) {
  t.test(`a request whose handler fails ${what} is answered with an error, and the next is served`, async (t) => {
    const { client, logged } = await start(t)
    const romeo = client()
    await romeo.enter('romeo', 'secret', 'orchard')
    romeo.write(ask('a', what) + `<iq type='get' id='b' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`)
    const answers = await romeo.until(/<iq[^>]* id='b'[^>]*>/)
    t.match(answers, /<iq[^>]*type='error'.*<error type='wait'><internal-server-error/)
    t.match(answers, /<iq[^>]*type='result'[^>]*>$/)
    t.match(logged.join(), 'a bug')
  })
}

t.test('a message whose handler fails is refused; those before and behind it arrive, in order', async (t) => {
  const { client } = await start(t)
  const romeo = client()
  const juliet = client()
  await romeo.enter('romeo', 'secret', 'orchard')
  await juliet.enter('juliet', 'secret', 'balcony')
  const message = (id: string, more = ''): string =>
    `<message to='juliet@localhost/balcony' id='${id}' type='chat'><body>${id}</body>${more}</message>`
  romeo.write(message('one') + message('two', `<fail xmlns='${NS_BROKEN}'/>`) + message('three'))
  const heard = await juliet.until(/<body>three/)
  t.match(heard, '<body>one')
  t.notMatch(heard, '<body>two')
  t.match(await romeo.until(/<\/error>/), /id='two'.*internal-server-error/)
})

t.test('a request before binding whose handler fails is answered, and the stream stays', async (t) => {
  const { client } = await start(t)
  const romeo = client()
  await romeo.open()
  romeo.write(`<iq type='get' id='a'><early xmlns='${NS_BROKEN}'/></iq>`)
  t.match(await romeo.until(/<\/iq>/), 'internal-server-error')
  const plain = Buffer.from('\0romeo\0secret').toString('base64')
  romeo.write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`)
  await romeo.until(/<success/)
})
