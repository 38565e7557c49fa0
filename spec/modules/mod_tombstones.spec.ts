import t from 'tap'
import { AccountWorld } from '../support/account-world.ts'

const DAY = 86_400_000

t.test('a name is free again when its time has come, or an admin says so', async (t) => {
  await using world = await AccountWorld.open({ modules: '{ tombstones: { keep: 30 days } }' })
  const { accounts } = world
  for (const node of ['romeo', 'tybalt']) {
    await accounts.create(node, 'secret')
    await accounts.remove(node)
    await t.rejects(accounts.create(node, 'other'), /was removed/)
    await t.rejects(accounts.createWith(node, {}), /was removed/)
  }
  t.same((await world.command('tombstone list')).toSorted(), [
    'romeo@localhost 2026-01-01T00:00:00.000Z',
    'tybalt@localhost 2026-01-01T00:00:00.000Z',
  ])
  const jid = world.host.jid.withNode('tybalt')
  await world.command('tombstone remove', { jid })
  await accounts.create('tybalt', 'other')
  await t.rejects(world.command('tombstone remove', { jid }), /has no tombstone/)

  await world.advance(30 * DAY - 1)
  await t.rejects(accounts.create('romeo', 'other'))
  await world.advance(1)
  t.same(await world.command('tombstone list'), [])
  await accounts.create('romeo', 'other')
  await world.advance(0)
  t.same(await world.command('tombstone list'), [])
  t.same(world.complaints, [])
})

t.test('an account that could not be removed keeps its name', async (t) => {
  await using world = await AccountWorld.open()
  await world.accounts.create('romeo', 'secret')
  const failing = world.host.hooks.on(
    'account/removing',
    () => {
      throw new Error('not now')
    },
    1000,
    'spec',
  )
  await t.rejects(world.accounts.remove('romeo'), /not now/)
  failing[Symbol.dispose]()
  await t.rejects(world.accounts.create('romeo', 'other'), /exists already/)
  t.equal(await world.accounts.exists('romeo'), true)
})
