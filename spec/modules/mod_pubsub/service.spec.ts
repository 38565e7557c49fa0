import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { sendLastItems } from '../../../modules/mod_pubsub/events.ts'
import { configureNode, createNode, deleteNode } from '../../../modules/mod_pubsub/nodes.ts'
import { subscribe, subscriptionsOf, takeDecision } from '../../../modules/mod_pubsub/subscribing.ts'
import { usualOptions } from '../../../modules/mod_pubsub/subscription-options.ts'
import { sweep } from '../../../modules/mod_pubsub/sweeping.ts'
import { readForm } from '../../../server/protocol/raw-form.ts'
import { StanzaError } from '../../../server/stanza-error.ts'
import { xml } from '../../../server/xml/element.ts'
import { juliet, nurse, PubsubWorld, romeo } from './world.ts'

async function refusalOf(act: Promise<unknown>): Promise<string | undefined> {
  try {
    await act
    return undefined
  } catch (error) {
    if (error instanceof StanzaError) return [error.condition, error.extra?.name].filter(Boolean).join(' ')
    throw error
  }
}

const IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g']

type Step =
  | { readonly act: 'publish' | 'retract'; readonly id: string }
  | { readonly act: 'limit'; readonly most: number | 'max' }
  | { readonly act: 'purge' | 'reload' }

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ act: fc.constant('publish' as const), id: fc.constantFrom(...IDS) }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('retract' as const), id: fc.constantFrom(...IDS) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        act: fc.constant('limit' as const),
        most: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant('max' as const)),
      }),
    },
    { weight: 1, arbitrary: fc.record({ act: fc.constantFrom('purge' as const, 'reload' as const) }) },
  ),
  { maxLength: 30 },
)

t.test('items stand in the order of their last publication, and the oldest make room', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const world = await PubsubWorld.open()
      await createNode(world.service, 'n', juliet)
      let expected: readonly string[] = []
      let most = 3
      for (const step of history) {
        if (step.act === 'publish') {
          await world.publish('n', step.id)
          expected = [...expected.filter((id) => id !== step.id), step.id].slice(-most)
        } else if (step.act === 'retract') {
          const refusal = await refusalOf(world.retract('n', [step.id]))
          assert.equal(refusal, expected.includes(step.id) ? undefined : 'item-not-found')
          expected = expected.filter((id) => id !== step.id)
        } else if (step.act === 'limit') {
          most = step.most === 'max' ? 5 : step.most
          await configureNode(world.service, world.service.require('n'), { max_items: step.most })
          expected = expected.slice(-most)
        } else if (step.act === 'purge') {
          await world.purge('n')
          expected = []
        } else {
          await world.reload()
        }
        assert.deepEqual(await world.ids('n'), expected)
      }
      // The quota is counted, not measured: it must not drift.
      const chars = (await world.service.items(world.service.require('n'))).reduce(
        (sum, { id, payload }) => sum + id.length + (payload?.xml.length ?? 0),
        0,
      )
      assert.equal(world.service.require('n').chars, chars)
    }),
    { numRuns: 60 },
  )
})

t.test('what is kept is still there after a restart', async (t) => {
  const world = await PubsubWorld.open()
  world.contacts = [romeo]
  await world.publish('n', '1', juliet, { title: 'Things', access_model: 'open' })
  await subscribe(world.service, world.service.require('n'), romeo)
  await world.publish('gone', '1')
  await deleteNode(world.service, world.service.require('gone'), 'xmpp:juliet@capulet.example?;node=n')
  await world.reload()
  t.equal(world.service.require('n').config.title, 'Things')
  t.strictSame(await world.ids('n'), ['1'])
  t.match(subscriptionsOf(world.service, romeo), [{ address: romeo.full, state: 'subscribed' }])
  t.equal(await refusalOf(world.retract('gone', ['1'])), 'gone')
})

t.test('an account has so many nodes, and so much in them', async (t) => {
  const world = await PubsubWorld.open()
  const long = 'x'.repeat(400)
  for (const node of ['1', '2']) await world.publish(node, '1', juliet, {}, long)
  t.equal(await refusalOf(world.publish('3', '1', juliet, {}, long)), 'resource-constraint')
  await world.publish('2', '1')
  t.equal(await refusalOf(world.publish('3', '1', juliet, {}, long)), undefined, 'what is replaced counts no more')
  await deleteNode(world.service, world.service.require('1'))
  await world.reload()
  t.equal(await refusalOf(world.publish('4', '1', juliet, {}, long)), undefined, 'nor what is deleted')
  for (const node of ['5', '6']) await world.publish(node, '1')
  t.equal(await refusalOf(world.publish('7', '1')), 'not-allowed max-nodes-exceeded')
  t.equal(await refusalOf(world.publish('6', '1', juliet, {}, 'x'.repeat(600))), 'not-acceptable payload-too-big')
  t.equal(await refusalOf(world.publish('6', 'x'.repeat(1024))), 'not-acceptable', 'ids have a length')
  t.equal(await refusalOf(createNode(world.service, 'x'.repeat(1024), juliet)), 'not-acceptable')
})

t.test('a publication that is refused makes no node', async (t) => {
  const world = await PubsubWorld.open()
  t.equal(await refusalOf(world.publish('n', '1', romeo)), 'forbidden')
  t.equal(await refusalOf(world.publish('n', '1', juliet, {}, 'x'.repeat(600))), 'not-acceptable payload-too-big')
  t.equal(world.service.find('n'), undefined)
})

t.test('everybody is told once', async (t) => {
  const world = await PubsubWorld.open()
  world.contacts = [romeo, nurse]
  world.listeners = [
    { jid: romeo, interests: new Set(['n']) },
    { jid: nurse, interests: new Set(['other']) },
  ]
  await world.publish('n', '1')
  t.strictSame(world.news(), [`${romeo.full}: items 1`], 'those who listen')
  await subscribe(world.service, world.service.require('n'), romeo.toBare())
  await subscribe(world.service, world.service.require('n'), nurse.toBare())
  await world.publish('n', '2')
  t.strictSame(
    world.news(),
    [`${romeo.full}: items 2`, `${nurse.bare}: items 2`],
    'those who listen, and those who have subscribed',
  )
  world.contacts = [nurse]
  await world.publish('n', '3')
  t.strictSame(world.news(), [`${nurse.bare}: items 3`], 'as long as they may')
})

t.test('a subscription that may not be is dropped when that shows', async (t) => {
  const world = await PubsubWorld.open()
  await world.publish('n', '1', juliet, { access_model: 'open' })
  const node = world.service.require('n')
  await subscribe(world.service, node, romeo.toBare())
  world.news()
  await configureNode(world.service, node, { access_model: 'whitelist' })
  t.strictSame(world.news(), [`${romeo.bare}: subscription none`])
  t.equal(await refusalOf(subscribe(world.service, node, romeo.toBare())), 'not-allowed closed-node')
})

t.test('a node that becomes open shows its last item to those who listen', async (t) => {
  const world = await PubsubWorld.open()
  world.listeners = [{ jid: romeo, interests: new Set(['n']) }]
  await world.publish('n', '1', juliet, { access_model: 'whitelist' })
  t.strictSame(world.news(), [])
  await configureNode(world.service, world.service.require('n'), { access_model: 'open' })
  t.strictSame(world.news(), [`${romeo.full}: items 1`])
})

t.test('a node has so many subscribers, and each so many addresses', async (t) => {
  const world = await PubsubWorld.open({
    limits: { nodes: 5, items: 5, chars: 1000, payloadChars: 500, subscriptions: 22, links: 100 },
  })
  await world.publish('n', '1', juliet, { access_model: 'open' })
  const node = world.service.require('n')
  for (let n = 0; n < 20; n++) await subscribe(world.service, node, romeo.withResource(`r${n}`))
  t.equal(await refusalOf(subscribe(world.service, node, romeo)), 'policy-violation too-many-subscriptions')
  t.equal(
    await refusalOf(subscribe(world.service, node, romeo.withResource('r7'))),
    undefined,
    'what is there may be asked for again',
  )
  await subscribe(world.service, node, nurse)
  await subscribe(world.service, node, nurse.toBare())
  t.equal(await refusalOf(subscribe(world.service, node, juliet)), 'policy-violation too-many-subscriptions')
})

t.test('items and subscriptions have an end', async (t) => {
  const world = await PubsubWorld.open()
  world.contacts = [romeo]
  await world.publish('n', '1', juliet, { item_expire: 60 })
  const node = world.service.require('n')
  const expire = world.clock.now() + 90_000
  await subscribe(world.service, node, romeo, { options: { ...usualOptions, expire } })
  world.clock.advance(30_000)
  await world.publish('n', '2')
  world.clock.advance(30_000)
  t.strictSame(await world.ids('n'), ['2'])
  t.equal((await world.stores.items.all(`juliet/${node.key}`)).size, 2, 'what nobody sees is still there')
  await sweep(world.service)
  t.equal((await world.stores.items.all(`juliet/${node.key}`)).size, 1, 'until it is swept up')
  world.clock.advance(30_000)
  world.news()
  await world.publish('n', '3')
  t.strictSame(world.news(), [], 'who is not subscribed any more hears nothing')
  t.strictSame(subscriptionsOf(world.service, romeo), [])
  await sweep(world.service)
  t.strictSame(world.news(), [`${romeo.full}: subscription none`])
  t.equal(node.subscriptions.size, 0)
})

t.test('a node that stores nothing remembers the last that has passed', async (t) => {
  const world = await PubsubWorld.open()
  world.contacts = [romeo]
  await world.publish('n', '1', juliet, { persist_items: false })
  await world.publish('n', '2')
  await sendLastItems(world.service, { jid: romeo, interests: new Set(['n']) })
  t.strictSame(world.news(), [`${romeo.full}: items 2`])
  await world.retract('n', ['2'])
  t.equal(await refusalOf(world.retract('n', ['2'])), 'feature-not-implemented unsupported')
  await world.publish('n', '3')
  await world.reload()
  t.strictSame(await world.ids('n'), [], 'for as long as the server runs')
})

t.test('decisions that come too late, or from others, decide nothing', async (t) => {
  const world = await PubsubWorld.open()
  await world.publish('n', '1', juliet, { access_model: 'authorize' })
  const node = world.service.require('n')
  const decision = (allow: string) =>
    readForm(
      xml(
        'x',
        { xmlns: 'jabber:x:data', type: 'submit' },
        ...[
          ['pubsub#node', 'n'],
          ['pubsub#subscriber_jid', romeo.bare],
          ['pubsub#allow', allow],
        ].map(([name, value]) => xml('field', { var: name }, xml('value', {}, value))),
      ),
    )
  await subscribe(world.service, node, romeo.toBare())
  t.equal(world.news().length, 1, 'the owner is asked')
  t.equal(await refusalOf(takeDecision(world.service, nurse, decision('1'))), 'forbidden')
  await takeDecision(world.service, juliet, decision('true'))
  t.strictSame(world.news(), [`${romeo.bare}: subscription subscribed`, `${romeo.bare}: items 1`])
  await takeDecision(world.service, juliet, decision('0'))
  t.strictSame(world.news(), [])
  t.equal(node.subscriptions.size, 1)
})

t.test('what could not be stored has not been published', async (t) => {
  const world = await PubsubWorld.open()
  world.listeners = [{ jid: juliet, interests: new Set(['n']) }]
  await world.publish('n', '1')
  world.news()
  const setMany = world.stores.items.setMany.bind(world.stores.items)
  world.stores.items.setMany = () => Promise.reject(new Error('the disk is full'))
  await t.rejects(world.publish('n', '2'), { message: 'the disk is full' })
  t.strictSame(world.news(), [], 'nobody has heard of it')
  t.equal(world.service.isStale, true, 'and what is in memory is not to be trusted')
  world.stores.items.setMany = setMany
  await world.reload()
  t.strictSame(await world.ids('n'), ['1'])
})

t.test('whoever follows the nodes within the server hears of every change, and of whose it is', async (t) => {
  const world = await PubsubWorld.open()
  await world.publish('n', '1')
  await world.retract('n', ['1'])
  await world.purge('n')
  await deleteNode(world.service, world.service.require('n'))
  t.match(world.changes, [
    { node: 'n', published: { id: '1' }, cause: undefined },
    { node: 'n', retracted: ['1'] },
    { node: 'n', published: undefined, retracted: undefined },
    { node: 'n', published: undefined, retracted: undefined },
  ])
})
