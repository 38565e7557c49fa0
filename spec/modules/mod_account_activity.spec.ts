import t from 'tap'
import { Jid } from '../../server/jid/jid.ts'
import { AccountWorld } from '../support/account-world.ts'

const DAY = 86_400_000

t.test('tells when an account was last used', async (t) => {
  await using world = await AccountWorld.open()
  const jid = Jid.parse('romeo@localhost')
  const romeo = await world.client('romeo@localhost/orchard')
  // As when somebody logs in over a wire.
  const login = { node: 'romeo', stream: romeo.stream, mechanism: 'PLAIN', client: undefined }
  world.host.hooks.announce('login/accepted', login)
  await world.advance(DAY)
  t.same(await world.command('user activity', { jid }), [
    'made 2026-01-01T00:00:00.000Z',
    'last login 2026-01-01T00:00:00.000Z',
    'connected',
  ])
  await romeo.leave()
  await world.advance(DAY)
  t.equal((await world.command('user activity', { jid }))[2], 'last seen 2026-01-02T00:00:00.000Z')
  await t.rejects(world.command('user activity', { jid: Jid.parse('ghost@localhost') }), /there is no account/)
})

t.test('finds the accounts that nobody uses', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  await world.client('juliet@localhost/balcony')
  await world.accounts.create('tybalt', 'secret')
  await romeo.leave()
  t.same(await world.command('user inactive', { period: 86_400 }), [])
  await world.advance(DAY)
  t.same((await world.command('user inactive', { period: 86_400 })).toSorted(), [
    'romeo@localhost 2026-01-01T00:00:00.000Z',
    'tybalt@localhost never seen',
  ])
})

t.test('whoever is always there is seen, and nothing is noted of who is removed', async (t) => {
  await using world = await AccountWorld.open({ modules: '{ tombstones: false }' })
  await world.client('juliet@localhost/balcony')
  for (let day = 0; day < 3; day++) await world.advance(DAY)
  const activity = world.server.hosts.get('localhost')?.loader.service('account_activity') as {
    of(node: string): Promise<{ seen: number | undefined }>
  }
  await world.accounts.remove('juliet')
  await world.advance(0)
  t.same(await activity.of('juliet'), { login: undefined, seen: undefined })
  t.same(world.complaints, [])
})
