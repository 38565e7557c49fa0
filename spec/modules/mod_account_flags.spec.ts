import t from 'tap'
import { Jid } from '../../server/jid/jid.ts'
import { AccountWorld } from '../support/account-world.ts'

t.test('flags are set, found and cleared', async (t) => {
  await using world = await AccountWorld.open()
  await world.accounts.create('romeo', 'secret')
  await world.accounts.create('juliet', 'secret')
  const jid = Jid.parse('romeo@localhost')
  const told: string[] = []
  for (const hook of ['account/flagged', 'account/unflagged'] as const)
    world.host.hooks.on(hook, ({ node, name }) => void told.push(`${hook} ${node} ${name}`), 0, 'spec')

  await world.command('flag set', { jid, flag: 'watched', remark: 'Writes to strangers' })
  await world.advance(1000)
  await world.command('flag set', { jid, flag: 'watched', remark: 'Writes to many strangers' })
  await world.command('flag set', { jid: Jid.parse('juliet@localhost'), flag: 'vip' })
  t.same(await world.command('flag list', { jid }), [
    'watched, by operator, 2026-01-01T00:00:00.000Z: Writes to many strangers',
  ])
  t.equal((await world.command('flag find')).length, 2)
  t.same(await world.command('flag find', { flag: 'vip' }), [
    'juliet@localhost vip, by operator, 2026-01-01T00:00:01.000Z',
  ])
  await world.command('flag clear', { jid, flag: 'watched' })
  t.same(await world.command('flag list', { jid }), [])
  t.same(told, ['account/flagged romeo watched', 'account/flagged juliet vip', 'account/unflagged romeo watched'])
})

t.test('what is refused', async (t) => {
  await using world = await AccountWorld.open()
  await world.accounts.create('romeo', 'secret')
  const jid = Jid.parse('romeo@localhost')
  await t.rejects(world.command('flag set', { jid, flag: 'Two words' }), /one word/)
  await t.rejects(world.command('flag set', { jid, flag: 'disabled' }), /user disable/)
  await t.rejects(world.command('flag set', { jid, flag: 'a', remark: 'x'.repeat(501) }), /too long/)
  await t.rejects(world.command('flag set', { jid: Jid.parse('ghost@localhost'), flag: 'a' }), /no account/)
  await t.rejects(world.command('flag clear', { jid, flag: 'a' }), /is not flagged/)
  for (let i = 0; i < 50; i++) await world.command('flag set', { jid, flag: `flag-${i}` })
  await t.rejects(world.command('flag set', { jid, flag: 'one-more' }), /too many/)
})
