import t from 'tap'
import { handled } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import { AccountWorld, type Person } from '../support/account-world.ts'

const MOVED = 'urn:xmpp:moved:1'
const NEW = 'juliet@capulet.example'

/** Romeo, whom Juliet sees, and what her former address answers. */
async function scene(answer: () => StanzaError | string) {
  const world = await AccountWorld.open()
  const asked: string[] = []
  world.host.hooks.on(
    'incoming/iq',
    ({ stanza, from, to, origin }) => {
      if (to.full !== 'juliet@localhost' || stanza.type !== 'get') return undefined
      asked.push(from.full)
      const said = answer()
      if (typeof said !== 'string') throw said
      const item = `<item id='current'><moved xmlns='${MOVED}'><new-jid>${said}</new-jid></moved></item>`
      const pubsub = `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${MOVED}'>${item}</items></pubsub>`
      const ids = `type='result' id='${stanza.id}' from='${to.full}' to='${from.full}'`
      origin.send(Stanza.parse(`<iq ${ids}>${pubsub}</iq>`))
      return handled
    },
    0,
    'spec',
  )
  const romeo = await world.client('romeo@localhost/orchard')
  const juliet = await world.client('juliet@localhost/balcony')
  await romeo.ask('get', "<query xmlns='jabber:iq:roster'/>")
  await romeo.say("<presence to='juliet@localhost' type='subscribed'/>")
  await juliet.say("<presence to='romeo@localhost' type='subscribe'/>")
  romeo.take()
  return { world, romeo, asked }
}

const request = (old: string, from = NEW): Stanza =>
  Stanza.parse(
    `<presence type='subscribe' from='${from}' to='romeo@localhost'><moved xmlns='${MOVED}'><old-jid>${old}</old-jid></moved></presence>`,
  )

/** What was seen: pushes by address and state, presence by type; not that others cannot be reached from here. */
const seen = (person: Person): readonly string[] =>
  person
    .take()
    .filter(({ type }) => type !== 'error')
    .map((stanza) => {
      const item = stanza.childAt(0)?.child('item')?.attrs
      return item === undefined ? `${stanza.type} ${stanza.from}` : `${item['jid']} ${item['subscription']}`
    })

const FOLLOWED = [`${NEW} from`, 'juliet@localhost none']

t.test('a statement of the former address is enough, once', async (t) => {
  const { world, romeo, asked } = await scene(() => NEW)
  await world.deliver(request('juliet@localhost'))
  t.same(seen(romeo), FOLLOWED)
  t.same(asked, ['romeo@localhost'], 'the account has asked')
  const other = 'juliet@third.example'
  await world.deliver(request('juliet@localhost', other))
  t.same(seen(romeo), [`subscribe ${other}`], 'it has been left already')
  t.equal(asked.length, 1)
  t.same(world.complaints, [])
  await world[Symbol.asyncDispose]()
})

t.test('an address that is gone may say where', async (t) => {
  const { world, romeo } = await scene(() => new StanzaError('gone', undefined, { uri: `xmpp:${NEW}` }))
  await world.deliver(request('juliet@localhost'))
  t.same(seen(romeo), FOLLOWED)
  await world[Symbol.asyncDispose]()
})

t.test('without a good statement it is a request like any other', async (t) => {
  const answers = [
    'juliet@elsewhere.example',
    'nonsense@',
    new StanzaError('item-not-found'),
    new StanzaError('gone'),
    new StanzaError('gone', undefined, { uri: 'xmpp:juliet@elsewhere.example' }),
    new StanzaError('gone', undefined, { uri: `https://${NEW}` }),
    new StanzaError('gone', undefined, { uri: 'xmpp:%ff%00@capulet.example' }),
  ]
  for (const answer of answers) {
    const { world, romeo, asked } = await scene(() => answer)
    await world.deliver(request('juliet@localhost'))
    const [shown] = romeo.take()
    t.equal(shown?.type, 'subscribe', String(answer))
    t.equal(shown?.child('moved', MOVED)?.child('old-jid')?.getText(), 'juliet@localhost', 'and nothing is taken out')
    t.equal(asked.length, 1)
    t.same(world.complaints, [])
    await world[Symbol.asyncDispose]()
  }
})

t.test('nobody is asked about a former address that may not see the account, or is none', async (t) => {
  const { world, romeo, asked } = await scene(() => NEW)
  for (const [i, old] of ['nurse@localhost', 'juliet@localhost/balcony', 'localhost', '', '@'].entries()) {
    await world.deliver(request(old, `j${i}@capulet.example`))
    t.same(seen(romeo), [`subscribe j${i}@capulet.example`], old)
  }
  t.same(asked, [])
  await world[Symbol.asyncDispose]()
})
