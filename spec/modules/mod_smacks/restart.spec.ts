/** XEP-0198 §5: sessions outlive a planned stop of the server. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type OwnServer, startOwnServer } from '../../support/own-server.ts'
import { Wire } from '../../support/wire.ts'

const SM = 'urn:xmpp:sm:3'
const CONFIG = `
hosts: { localhost: {}, rooms.localhost: { is: muc, default_persistent: true } }
`

/** Gives a server with Romeo and Juliet, which can be stopped and started again on the same data. */
async function house(t: Test, config = CONFIG): Promise<() => Promise<OwnServer>> {
  const data = await mkdtemp(join(tmpdir(), 'madrigal-restart-'))
  t.teardown(() => rm(data, { recursive: true }))
  const open = (): Promise<OwnServer> => startOwnServer({ data, storage: 'sqlite', config })
  const first = await open()
  for (const node of ['romeo', 'juliet']) await first.accounts('localhost').create(node, 'secret')
  await first[Symbol.asyncDispose]()
  return open
}

const chat = (id: string, to = 'juliet@localhost'): string =>
  `<message to='${to}' type='chat' id='${id}'><body>${id}</body></message>`

async function enter({ ports }: OwnServer, node: string): Promise<Wire> {
  const wire = new Wire(ports.c2s)
  await wire.enter(node, 'secret', 'balcony')
  return wire
}

async function resume({ ports }: OwnServer, node: string, id: string, h: number): Promise<Wire> {
  const wire = new Wire(ports.c2s)
  await wire.authenticate(node, 'secret')
  wire.write(`<resume xmlns='${SM}' previd='${id}' h='${h}'/>`)
  return wire
}

async function ping(wire: Wire): Promise<string> {
  wire.write(`<iq type='get' id='ping'><ping xmlns='urn:xmpp:ping'/></iq>`)
  return wire.until(/id='ping'[^>]*>/)
}

t.test('a session goes on where it was: what it was sent, what it has sent, what it had asked for', async (t) => {
  const open = await house(t)
  let id: string
  {
    await using server = await open()
    const juliet = await enter(server, 'juliet')
    id = await juliet.manage()
    juliet.write(`<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq><presence/>`)
    await juliet.until(/<presence/)
    const romeo = await enter(server, 'romeo')
    romeo.write(chat('one') + chat('two'))
    await juliet.until(/id='two'[^]*<\/message>/)
    // She hears that the server stops, and answers as clients do.
    const stopped = juliet.until(/<system-shutdown/)
    juliet.write(`<iq type='get' id='last'><ping xmlns='urn:xmpp:ping'/></iq>`)
    await juliet.until(/id='last'/)
    void stopped.then(() => juliet.write('</stream:stream>'))
  }
  await using server = await open()
  const romeo = await enter(server, 'romeo')
  romeo.write(chat('three'))
  await ping(romeo)

  // The answer to her first request, her own presence, and the first message.
  const juliet = await resume(server, 'juliet', id, 3)
  t.match(await juliet.until(/<resumed[^>]*>/), /h='3'/, 'a request, a presence and another request have been handled')
  const missed = await juliet.until(/id='three'[^]*?<\/message>/)
  t.match(missed, /id='two'[^]*id='last'[^]*id='three'/)
  t.notMatch(missed, /id='one'/)

  // Somebody else of the same account gets a message: copies were asked for before the stop.
  const phone = new Wire(server.ports.c2s)
  await phone.enter('juliet', 'secret', 'phone')
  phone.write('<presence/>')
  await ping(phone)
  romeo.write(chat('four', 'juliet@localhost/phone'))
  t.match(await juliet.until(/<received[^]*id='four'[^]*?<\/received>/), /urn:xmpp:carbons:2/)
  for (const wire of [romeo, juliet, phone]) wire.drop()
})

t.test('who has been in a room still is', async (t) => {
  const open = await house(t)
  let id: string
  {
    await using server = await open()
    const juliet = await enter(server, 'juliet')
    id = await juliet.manage()
    juliet.write(`<presence to='hall@rooms.localhost/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
    await juliet.until(/<subject/)
    const form = `<x xmlns='jabber:x:data' type='submit'/>`
    juliet.write(
      `<iq type='set' id='o' to='hall@rooms.localhost'><query xmlns='http://jabber.org/protocol/muc#owner'>${form}</query></iq>`,
    )
    await juliet.until(/id='o'/)
  }
  await using server = await open()
  const juliet = await resume(server, 'juliet', id, 0)
  await juliet.until(/<resumed[^>]*>/)
  juliet.write(`<message to='hall@rooms.localhost' type='groupchat' id='g'><body>Still here</body></message>`)
  t.match(await juliet.until(/id='g'[^]*?<\/message>/), /Still here/)
  juliet.drop()
})

t.test('whoever does not come back has gone, and what waited waits for the next', async (t) => {
  const open = await house(t, `hosts: { localhost: { modules: { mam: false, smacks: { resume_timeout: 1 second } } } }`)
  let id: string
  {
    await using server = await open()
    const juliet = await enter(server, 'juliet')
    id = await juliet.manage()
    juliet.write('<presence/>')
    await juliet.until(/<presence/)
    const romeo = await enter(server, 'romeo')
    romeo.write(chat('one'))
    await juliet.until(/id='one'/)
    romeo.drop()
  }
  await using server = await open()
  await new Promise((resolve) => setTimeout(resolve, 1200))
  const juliet = await resume(server, 'juliet', id, 1)
  t.match(await juliet.until(/<failed[^]*<\/failed>/), /h='1'[^]*item-not-found/)
  juliet.drop()
  const again = await enter(server, 'juliet')
  again.write('<presence/>')
  t.match(await again.until(/id='one'[^]*?<\/message>/), /<delay/)
  await ping(again)
  t.notMatch(again.rest, /<message/)
  again.drop()
})

t.test('who has said goodbye has not waited', async (t) => {
  const open = await house(t)
  let id: string
  {
    await using server = await open()
    const juliet = await enter(server, 'juliet')
    id = await juliet.manage()
    juliet.write('<presence/></stream:stream>')
    await juliet.until(/<\/stream:stream>/)
  }
  await using server = await open()
  const juliet = await resume(server, 'juliet', id, 0)
  t.match(await juliet.until(/<failed[^]*<\/failed>/), /item-not-found/)
  juliet.drop()
})

t.test('new options end no session', async (t) => {
  const open = await house(t)
  await using server = await open()
  const juliet = await enter(server, 'juliet')
  const id = await juliet.manage()
  juliet.write('<presence/>')
  await juliet.until(/<presence/)
  juliet.drop()
  const romeo = await enter(server, 'romeo')
  romeo.write(chat('one'))
  await ping(romeo)
  await server.reload(`hosts: { localhost: { modules: { smacks: { max_stanzas: 300 } } } }`)
  romeo.write(chat('two'))
  await ping(romeo)
  const again = await resume(server, 'juliet', id, 1)
  t.match(await again.until(/id='two'[^]*?<\/message>/), /<resumed[^]*id='one'[^]*id='two'/)
  for (const wire of [romeo, again]) wire.drop()
})
