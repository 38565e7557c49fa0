import t from 'tap'
import { keyval } from '../../../storage/store.ts'
import { AccountWorld, type Person } from '../../support/account-world.ts'

const PICTURE = Buffer.from('a picture').toString('base64')
const HASH = '2a7c66c5a0ed81b1ef7d6a9fb5d1dfda3d8bd2e6'
const CARD = `<vCard xmlns='vcard-temp'><FN>Romeo</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>${PICTURE}</BINVAL></PHOTO></vCard>`

const items = (node: string): string =>
  `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${node}'/></pubsub>`
const publish = (node: string, id: string, payload: string): string =>
  `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='${node}'><item id='${id}'>${payload}</item></publish></pubsub>`

/** The ids of the items of a node of somebody's own account. */
async function ids(person: Person, node: string): Promise<readonly (string | undefined)[]> {
  const answer = await person.ask('get', items(node))
  return (
    answer
      .childAt(0)
      ?.child('items')
      ?.elements.map(({ attrs }) => attrs['id']) ?? []
  )
}

/** What the presence that a client has just been shown says of its picture. */
async function shown(person: Person): Promise<string | undefined> {
  person.take()
  await person.say('<presence/>')
  const [presence] = person.take().filter(({ name }) => name === 'presence')
  return presence?.child('x', 'vcard-temp:x:update')?.child('photo')?.getText()
}

t.test('a card from before there were nodes is published when its owner comes', async (t) => {
  await using world = await AccountWorld.open()
  await world.accounts.create('romeo', 'secret')
  const { cards } = await world.storage.open('localhost', { cards: keyval<string>('vcard') })
  await cards.set('romeo', CARD)
  const romeo = await world.client('romeo@localhost/orchard')
  const [hash] = await ids(romeo, 'urn:xmpp:avatar:metadata')
  t.match(hash, /^[0-9a-f]{40}$/)
  t.strictSame(await ids(romeo, 'urn:xmpp:avatar:data'), [hash])
  t.strictSame(await ids(romeo, 'urn:xmpp:vcard4'), ['current'])
  t.equal(await shown(romeo), hash)
  const card = (await romeo.ask('get', "<vCard xmlns='vcard-temp'/>")).childAt(0)
  t.equal(card?.child('PHOTO')?.child('BINVAL')?.getText(), PICTURE)
  t.notMatch(await cards.get('romeo'), /PHOTO/, 'the picture is kept once')
})

t.test('an avatar that is there already is not replaced by an old picture', async (t) => {
  await using world = await AccountWorld.open({ modules: '{}' })
  const romeo = await world.client('romeo@localhost/orchard')
  await romeo.ask(
    'set',
    publish(
      'urn:xmpp:avatar:metadata',
      HASH,
      `<metadata xmlns='urn:xmpp:avatar:metadata'><info bytes='1' id='${HASH}' type='image/png'/></metadata>`,
    ),
  )
  await romeo.leave()
  const { cards } = await world.storage.open('localhost', { cards: keyval<string>('vcard') })
  await cards.set('romeo', CARD)
  const again = await world.client('romeo@localhost/orchard')
  t.strictSame(await ids(again, 'urn:xmpp:avatar:metadata'), [HASH])
})

t.test('a picture that is not what it says it is is shown to nobody', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  await romeo.ask('set', publish('urn:xmpp:avatar:data', HASH, `<data xmlns='urn:xmpp:avatar:data'>${PICTURE}</data>`))
  await romeo.ask(
    'set',
    publish(
      'urn:xmpp:avatar:metadata',
      HASH,
      `<metadata xmlns='urn:xmpp:avatar:metadata'><info bytes='9' id='${HASH}' type='image/png'/></metadata>`,
    ),
  )
  t.match(await romeo.ask('get', "<vCard xmlns='vcard-temp'/>"), { type: 'error' })
})

t.test('of an avatar in several formats the one that is here counts', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  const infos =
    "<info bytes='1' id='ffffffffffffffffffffffffffffffffffffffff' type='image/gif' url='https://example.net/a.gif'/>" +
    `<info bytes='9' id='${HASH.toUpperCase()}' type='image/png'/>`
  await romeo.ask(
    'set',
    publish('urn:xmpp:avatar:metadata', HASH, `<metadata xmlns='urn:xmpp:avatar:metadata'>${infos}</metadata>`),
  )
  t.equal(await shown(romeo), HASH)
})

t.test('contacts hear at once that there is another picture, unless the client speaks of it itself', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  const phone = await world.client('romeo@localhost/phone')
  await phone.say("<presence><x xmlns='vcard-temp:x:update'><photo>its own</photo></x></presence>")
  await romeo.say('<presence><status>In love</status></presence>')
  phone.take()
  await romeo.ask('set', CARD)
  const told = phone.take().filter(({ name }) => name === 'presence')
  t.equal(told.length, 1, 'from the client that has left it to us')
  t.equal(told[0]?.from, 'romeo@localhost/orchard')
  t.equal(told[0]?.childText('status'), 'In love')
  t.match(told[0]?.child('x', 'vcard-temp:x:update')?.child('photo')?.getText(), /^[0-9a-f]{40}$/)
  t.equal(told[0]?.children('delay', 'urn:xmpp:delay').length, 0)
  t.strictSame(world.complaints, [])
})

t.test('what is no picture stays where it is', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  const card =
    "<vCard xmlns='vcard-temp'><FN>Romeo</FN><PHOTO><EXTVAL>https://example.net/a.png</EXTVAL></PHOTO></vCard>"
  await romeo.ask('set', card)
  t.strictSame(await ids(romeo, 'urn:xmpp:avatar:metadata'), [])
  const kept = (await romeo.ask('get', "<vCard xmlns='vcard-temp'/>")).childAt(0)
  t.equal(kept?.child('PHOTO')?.child('EXTVAL')?.getText(), 'https://example.net/a.png')
})
