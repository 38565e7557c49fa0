import t from 'tap'
import { itemsAnswer } from '../../../modules/mod_pubsub/retrieving.ts'
import type { Element } from '../../../server/xml/element.ts'
import { parseElement } from '../../../server/xml/parse.ts'
import { juliet, PubsubWorld } from './world.ts'

const NS = 'http://jabber.org/protocol/pubsub'
const RSM = 'http://jabber.org/protocol/rsm'

/** What is answered to a request for items: their ids, and where they lie in the whole. */
async function ask({ service }: PubsubWorld, items: string, rest = ''): Promise<string> {
  const pubsub = parseElement(`<pubsub xmlns='${NS}'>${items}${rest}</pubsub>`)
  const action = pubsub.elements[0] as Element
  const node = service.require('n')
  const request = { service, who: juliet, pubsub, action, after: () => {} }
  const answer = itemsAnswer(request, node, await service.items(node))
  const ids = answer.child('items')?.elements.map(({ attrs }) => attrs['id'])
  const set = answer.child('set', RSM)
  const first = set?.child('first')
  const place = set && ` of ${set.child('count')?.getText()} from ${first?.attrs['index']}`
  return `${ids?.join('')}${place ?? ''}`
}

const limits = { nodes: 5, items: 9, chars: 9_000_000, payloadChars: 500_000, subscriptions: 4, links: 100 }

t.test('an answer is not longer than a client can take', async (t) => {
  const world = await PubsubWorld.open({ limits })
  for (const id of 'abcde') await world.publish('n', id, juliet, { max_items: 'max' }, 'x'.repeat(400_000))
  t.equal(await ask(world, "<items node='n'/>"), 'de of 5 from 3', 'the newest, and that there are more')
  t.equal(await ask(world, "<items node='n' max_items='2'/>"), 'de')
  t.equal(await ask(world, "<items node='n' max_items='0'/>"), '')
  const all = "<item id='a'/><item id='b'/><item id='c'/>"
  t.equal(await ask(world, `<items node='n'>${all}</items>`), 'ab')
  t.equal(await ask(world, `<items node='n'>${"<item id='a'/>".repeat(9)}</items>`), 'a', 'each once')
  t.equal(await ask(world, "<items node='n'/>", `<set xmlns='${RSM}'><max>5</max></set>`), 'ab of 5 from 0')
  t.equal(await ask(world, "<items node='n'/>", `<set xmlns='${RSM}'><max>5</max><before/></set>`), 'de of 5 from 3')
  t.equal(
    await ask(world, "<items node='n'/>", `<set xmlns='${RSM}'><max>5</max><after>b</after></set>`),
    'cd of 5 from 2',
  )
})

t.test('one item is sent however long it is', async (t) => {
  const world = await PubsubWorld.open({ limits: { ...limits, payloadChars: 2_000_000 } })
  for (const id of 'ab') await world.publish('n', id, juliet, { max_items: 'max' }, 'x'.repeat(1_500_000))
  t.equal(await ask(world, "<items node='n'/>"), 'b of 2 from 1')
  t.equal(await ask(world, "<items node='n'><item id='a'/></items>"), 'a')
  t.equal(await ask(world, "<items node='n'/>", `<set xmlns='${RSM}'/>`), 'a of 2 from 0')
})

t.test('orders that we do not know, and numbers that are none, are refused', async (t) => {
  const world = await PubsubWorld.open({ limits })
  await world.publish('n', 'a')
  const refused = async (items: string, rest = ''): Promise<void> => {
    await t.rejects(ask(world, items, rest), { name: 'StanzaError' })
  }
  await refused("<items node='n' max_items='many'/>")
  await refused("<items node='n' max_items='-1'/>")
  await refused("<items node='n'/>", "<order xmlns='urn:xmpp:order-by:1' by='length'/>")
  await refused("<items node='n'/>", `<set xmlns='${RSM}'><max>-1</max></set>`)
})
