/** Messages of apps: from an http request to the client that has the app. */
import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import { Person } from '../support/account-world.ts'
import { startOwnServer } from '../support/own-server.ts'

const APPLICATION = 'bK3sdmrbtj3bf6XA2S12b8jJUA5TT1dhPEyeoZfVSRM='
const INSTANCE = 'EtD/1XPLmoIph7W73CZ/uyv6FAnhEAXY1GySHX17vAw='

async function stage(options = '') {
  const own = await startOwnServer({
    config: `hosts: { localhost: { modules: { unified_push: { ${options} }, push: { gather: 0 seconds } } } }`,
  })
  await own.accounts('localhost').create('juliet', 'secret')
  const host = own.server.hosts.get('localhost')?.host
  if (host === undefined) throw new Error('there is no host')
  const client = async (resource = 'phone'): Promise<Person> => {
    const person = new Person((session) => host.closeSession(session))
    using held = host.directory.hold(host.jid.withNode('juliet'))
    await host.hooks.fire('session/binding', { account: held.account, stream: person.stream })
    person.session = host.bind(person.stream, held.account, resource)
    return person
  }
  const register = async (person: Person, instance = INSTANCE): Promise<Stanza> => {
    person.take()
    await person.say(
      `<iq type='set' id='r' to='localhost'><register xmlns='${NS.unifiedPush}' application='${APPLICATION}' instance='${instance}'/></iq>`,
    )
    const answer = person.take().find(({ id }) => id === 'r')
    if (answer === undefined) throw new Error('there is no answer')
    return answer
  }
  const pathOf = (answer: Stanza): string =>
    new URL(answer.child('registered', NS.unifiedPush)?.attrs['endpoint'] ?? '').pathname
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${own.ports.http}${path}`, init)
  const post = (path: string, body: string | Uint8Array<ArrayBuffer>): Promise<Response> =>
    ask(path, { method: 'POST', body })
  const command = async (name: string, args: Readonly<Record<string, unknown>> = {}): Promise<readonly string[]> => {
    const found = [...host.provisions.items('command')].find((one) => one.name === name)
    const lines: string[] = []
    await found?.run(args, (line) => void lines.push(line))
    return lines
  }
  return { own, host, client, register, pathOf, ask, post, command }
}

/** The message that a client is sent next, and the id of the request. */
async function pushed(person: Person): Promise<{ readonly id: string; readonly text: string }> {
  for (;;) {
    const request = person.take().find((stanza) => stanza.has('push', NS.unifiedPush))
    if (request?.id !== undefined) {
      const text = request.childText('push', NS.unifiedPush) ?? ''
      return { id: request.id, text: Buffer.from(text, 'base64').toString() }
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

t.test('a message comes to the client, and its answer to the server of the app', async (t) => {
  const { own, client, register, pathOf, ask, post } = await stage()
  await using _ = own
  const phone = await client()
  const path = pathOf(await register(phone))
  t.match(path, /^\/push\/localhost\/[\w-]{27}$/)

  const discovery = await ask(path)
  t.strictSame(await discovery.json(), { unifiedpush: { version: 1 } })

  const accepted = post(path, 'Hello')
  const { id, text } = await pushed(phone)
  t.equal(text, 'Hello')
  await phone.say(`<iq type='result' id='${id}' to='localhost'/>`)
  t.equal((await accepted).status, 201)
  t.equal((await accepted).headers.get('ttl'), '0')

  const later = post(path, 'Wait')
  const waiting = await pushed(phone)
  await phone.say(
    `<iq type='error' id='${waiting.id}' to='localhost'><error type='cancel'><service-unavailable xmlns='${NS.stanzas}'/></error></iq>`,
  )
  t.equal((await later).status, 503)
  t.equal((await later).headers.get('retry-after'), '60')

  const gone = post(path, 'Bye')
  const last = await pushed(phone)
  await phone.say(
    `<iq type='error' id='${last.id}' to='localhost'><error type='cancel'><item-not-found xmlns='${NS.stanzas}'/></error></iq>`,
  )
  t.equal((await gone).status, 404)
  t.equal((await post(path, 'Hello?')).status, 404, 'the app is gone')
  t.equal((await ask(path)).status, 404)
})

t.test('what is refused', async (t) => {
  const { own, client, register, pathOf, ask, post } = await stage('per_minute: 4')
  await using _ = own
  const phone = await client()
  const path = pathOf(await register(phone))
  t.equal((await post(`${path}x`, 'Hello')).status, 404)
  t.equal((await post('/push/localhost/', 'Hello')).status, 404)
  t.equal((await post(`/push/localhost/${'A'.repeat(27)}`, 'Hello')).status, 404)
  t.equal((await post(path, '')).status, 400)
  t.equal((await ask(path, { method: 'PUT', body: 'Hello' })).status, 405)
  t.equal((await post(path, Buffer.alloc(4097))).status, 413)
  t.equal(await postInChunks(own.ports.http, path, 5000), 413, 'nor if nobody has said how much it is')
  const most = post(path, Buffer.alloc(4096, 'a'))
  const { id, text } = await pushed(phone)
  t.equal(text.length, 4096)
  await phone.say(`<iq type='result' id='${id}' to='localhost'/>`)
  t.equal((await most).status, 201)
  t.equal((await post(path, 'Hello')).status, 429)
  await phone.leave()
})

t.test('whoever is not there gets nothing, and whoever does not answer not too much', async (t) => {
  const { own, client, register, pathOf, post } = await stage('per_minute: 1000')
  await using _ = own
  const phone = await client()
  const path = pathOf(await register(phone))
  await phone.leave()
  t.equal((await post(path, 'Hello')).status, 503)
  const again = await client()
  const unanswered = Array.from({ length: 32 }, () => post(path, 'Hello'))
  const ids: string[] = []
  while (ids.length < unanswered.length) {
    ids.push(...again.take().flatMap(({ id = '' }) => id))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.equal((await post(path, 'One more')).status, 503)
  for (const id of ids) await again.say(`<iq type='result' id='${id}' to='localhost'/>`)
  for (const answer of await Promise.all(unanswered)) if (answer.status !== 201) t.fail(String(answer.status))
})

t.test('addresses are kept, shown, taken back, and go with the account', async (t) => {
  const { own, client, register, pathOf, post, command } = await stage('max_apps: 2')
  await using _ = own
  const phone = await client()
  const path = pathOf(await register(phone))
  t.equal(pathOf(await register(await client('tablet'))), path, 'whatever the client is called')
  const other = pathOf(await register(phone, APPLICATION))
  t.not(other, path)
  t.equal((await register(phone, `${'A'.repeat(43)}=`)).type, 'error', 'there may be two')
  t.strictSame(await command('push apps'), ['juliet@localhost'])
  t.match((await command('push apps', { jid: phone.jid.toBare() })).toSorted(), [
    /^bK3sdmrb EtD\/1XPL of tablet until /,
    /^bK3sdmrb bK3sdmrb of phone until /,
  ])
  t.strictSame(await command('push revoke', { jid: phone.jid.toBare() }), ['2 revoked'])
  t.equal((await post(path, 'Hello')).status, 404)
  t.equal(pathOf(await register(phone)), path)
  await own.accounts('localhost').remove('juliet')
  t.equal((await post(path, 'Hello')).status, 404)
})

/** The status of the answer to a request without a length. */
async function postInChunks(port: number, path: string, bytes: number): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`)
  socket.write(`${bytes.toString(16)}\r\n${'a'.repeat(bytes)}\r\n`)
  const [data] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return Number(data.toString().split(' ')[1])
}
