/** A real PostgreSQL that is stopped while messages are sent, and started again. */
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { startOwnServer } from './support/own-server.ts'
import { startPostgres } from './support/postgres.ts'
import { Wire } from './support/wire.ts'

const SM = 'urn:xmpp:sm:3'

const chat = (id: number, to: string): string =>
  `<message to='${to}@localhost' type='chat' id='m${id}'><body>${id}</body></message>`

/** The numbers of the messages in a text that match. */
function numbers(text: string, pattern: RegExp): readonly number[] {
  return Array.from(text.matchAll(pattern), ([, id]) => Number(id))
}

t.setTimeout(90_000)
t.test('what is sent meanwhile is kept, delivered or refused; the server goes on by itself', async (t) => {
  await using postgres = await startPostgres()
  const { power } = postgres
  if (power === undefined) {
    t.pass('it is not ours to stop')
    return
  }
  await using database = await postgres.createDatabase()
  await using server = await startOwnServer({
    storage: 'postgres',
    postgresUrl: database.url,
    config: 'hosts: { localhost: {} }',
  })
  for (const node of ['romeo', 'juliet', 'nurse']) await server.accounts('localhost').create(node, 'secret')
  const enter = async (node: string): Promise<Wire> => {
    const wire = new Wire(server.ports.c2s)
    await wire.enter(node, 'secret', 'balcony')
    return wire
  }
  const romeo = await enter('romeo')
  await romeo.manage()
  const nurse = await enter('nurse')
  nurse.write('<presence/>')
  await nurse.until(/<presence/)

  // A message to somebody who is there, and one to somebody who is not, every few milliseconds.
  let sent = 0
  const talking = new AbortController()
  const talk = async (): Promise<void> => {
    while (!talking.signal.aborted) {
      romeo.write(chat(++sent, 'nurse') + chat(++sent, 'juliet'))
      await pause(10)
    }
  }
  const talked = talk()
  await pause(300)
  await power.off()
  await pause(1000)
  const pinged = performance.now()
  nurse.write(`<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>`)
  const heard = await nurse.until(/id='p'[^>]*>/)
  t.ok(performance.now() - pinged < 500, 'who wants nothing of the storage does not notice')
  // Longer than anybody waits for it.
  await pause(6000)
  await power.on()
  await pause(1500)
  talking.abort()
  await talked

  const last = ++sent
  romeo.write(`${chat(last, 'juliet')}<r xmlns='${SM}'/>`)
  const answers = await romeo.until(new RegExp(`<a [^>]*h='${sent}'`))
  const refused = new Set(numbers(answers, /<message [^>]*type='error' id='m(\d+)'/g))
  t.ok(refused.size > 0, `${refused.size} of ${sent} were refused`)
  t.match(answers, /type='wait'><internal-server-error/)
  t.notOk(refused.has(last), 'the last one was taken')

  nurse.write(`<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>`)
  const toNurse = new Set(numbers(heard + (await nurse.until(/id='p'[^>]*>/)), /<message [^>]*id='m(\d+)'/g))
  const missingThere = range(sent).filter((n) => n % 2 === 1 && n !== last && !toNurse.has(n) && !refused.has(n))
  t.strictSame(missingThere, [], 'whoever was there has got everything')

  const juliet = await enter('juliet')
  juliet.write('<presence/>')
  const kept = numbers(await juliet.until(new RegExp(`id='m${last}'`)), /<message [^>]*id='m(\d+)'/g)
  t.equal(new Set(kept).size, kept.length, 'nothing comes twice')
  const keptToo = new Set([...kept, last])
  const lost = range(sent).filter((n) => (n % 2 === 0 || n === last) && !keptToo.has(n) && !refused.has(n))
  t.strictSame(lost, [], 'what was not refused was kept')
  for (const wire of [romeo, nurse, juliet]) wire.drop()
})

function range(last: number): readonly number[] {
  return Array.from({ length: last }, (_, i) => i + 1)
}
