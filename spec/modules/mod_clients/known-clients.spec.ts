import t from 'tap'
import { idOf, KnownClients, type KnownClient } from '../../../modules/mod_clients/known-clients.ts'
import { createLog } from '../../../server/log/log.ts'
import { Storage } from '../../../storage/storage.ts'
import { map } from '../../../storage/store.ts'
import { FakeClock } from '../../support/fake-clock.ts'

async function scene() {
  const clock = new FakeClock(1_000_000)
  const log = createLog({ level: 'error', modules: new Map() }, { write() {} })
  const storage = await Storage.start({ driver: 'memory' }, { clock, log })
  const { clients: store } = await storage.open('localhost', { clients: map<KnownClient>('clients') })
  const known = new KnownClients(store, clock, 100)
  const saw = (agent: string, more = {}): Promise<void> =>
    known.saw('romeo', {
      agent,
      software: undefined,
      device: undefined,
      access: 'password',
      address: undefined,
      ...more,
    })
  return { clock, known, saw }
}

t.test('what is learnt of a client is added to what was known', async (t) => {
  const { clock, known, saw } = await scene()
  await saw('one', { software: 'Gajim', address: '192.0.2.1' })
  clock.advance(5000)
  await saw('one', { access: 'grant', device: 'Laptop' })
  t.same((await known.of('romeo')).get(idOf('one')), {
    agent: 'one',
    software: 'Gajim',
    device: 'Laptop',
    firstSeen: 1_000_000,
    lastSeen: 1_005_000,
    access: ['password', 'grant'],
  })
  await known.forgetPasswords('romeo')
  t.same((await known.of('romeo')).get(idOf('one'))?.access, ['grant'])
})

t.test('what happens at once is not lost', async (t) => {
  const { known, saw } = await scene()
  await Promise.all([saw('one'), known.hasSession('romeo', idOf('one')), saw('two')])
  t.equal((await known.of('romeo')).size, 2)
  t.equal((await known.of('romeo')).get(idOf('one'))?.hadSession, true)
  await known.hasSession('romeo', idOf('three'))
  t.equal((await known.of('romeo')).size, 2, 'a session of a client that was forgotten')
})

t.test('clients that are not seen are forgotten, and of many those that were seen longest ago', async (t) => {
  const { clock, known, saw } = await scene()
  await saw('old')
  clock.advance(99_999)
  t.equal((await known.of('romeo')).size, 1)
  clock.advance(1)
  t.equal((await known.of('romeo')).size, 0)
  await saw('old')
  t.equal((await known.of('romeo')).get(idOf('old'))?.firstSeen, clock.now(), 'it is a new one when it comes back')
  for (let i = 0; i < 60; i++) {
    clock.advance(1)
    await saw(`client ${i}`)
  }
  const left = await known.of('romeo')
  t.equal(left.size, 50)
  t.equal(left.has(idOf('old')), false)
  t.equal(left.has(idOf('client 10')), true)
  t.equal(left.has(idOf('client 9')), false)
})
