import fc from 'fast-check'
import t from 'tap'
import { skeletonOf } from '../../../modules/mod_lookalikes/skeleton.ts'
import { AccountWorld } from '../../support/account-world.ts'

t.test('what looks the same has the same skeleton', async (t) => {
  const same = [
    ['paypal', 'pаypаl'],
    ['paypal', 'paypa1'],
    ['juliet', 'julіet'],
    ['bobo', 'b0bo'],
    ['modern', 'modem'],
    ['romeo', 'rom\u200deo'],
    ['é', 'e\u0301'],
  ] as const
  for (const [one, other] of same) t.equal(await skeletonOf(one), await skeletonOf(other), `${one} ${other}`)
  for (const [one, other] of [
    ['romeo', 'roma'],
    ['juliet', 'julia'],
  ] as const)
    t.not(await skeletonOf(one), await skeletonOf(other), `${one} ${other}`)
})

t.test('it does not matter in which normal form something is written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (name) => {
      const skeleton = await skeletonOf(name)
      return (
        skeleton === (await skeletonOf(name.normalize('NFC'))) && skeleton === (await skeletonOf(name.normalize('NFD')))
      )
    }),
  )
})

t.test('the name of an account is protected, also when the account was there before', async (t) => {
  await using world = await AccountWorld.open({ modules: '{ tombstones: false, lookalikes: false }' })
  await world.accounts.create('juliet', 'secret')
  await world.accounts.create('paypal', 'secret')
  await world.accounts.create('paypa1', 'secret')
  const { loader } = world.server.hosts.get('localhost') ?? {}
  const { default: lookalikes } = await import('../../../modules/mod_lookalikes/index.ts')
  await loader?.load(lookalikes)
  await world.advance(0)
  await t.rejects(world.accounts.create('julіet', 'secret'), /looks like/)
  await t.rejects(world.accounts.create('pаypal', 'secret'), /looks like/)
  await world.accounts.create('julia', 'secret')

  await world.accounts.remove('juliet')
  await world.accounts.create('julіet', 'secret')
  await world.advance(0)
  await t.rejects(world.accounts.create('juliet', 'secret'), /looks like/, 'and now the other way round')
  t.same(world.complaints, [])
})
