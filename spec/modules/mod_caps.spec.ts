import t from 'tap'
import type { CapsService } from '../../modules/mod_caps.ts'
import { capsVer } from '../../server/protocol/caps.ts'
import type { DiscoInfo } from '../../server/protocol/disco-info.ts'
import { discoInfoElement } from '../../server/protocol/disco-info.ts'
import { capabilityHashes } from '../../server/protocol/ecaps2.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import { map } from '../../storage/store.ts'
import { AccountWorld, type Person } from '../support/account-world.ts'

const TUNE = 'http://jabber.org/protocol/tune'

function clientThatCan(...features: readonly string[]): DiscoInfo {
  return { identities: [{ category: 'client', type: 'pc', name: 'Spec' }], features, forms: [] }
}

function capsOf(world: AccountWorld): CapsService {
  // The module of that name gives this service.
  return world.server.hosts.get('localhost')?.loader.service('caps') as CapsService
}

const announcing = (ver: string | undefined): string =>
  `<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:example:client' ver='${ver}'/></presence>`

/** The questions in somebody's inbox. */
function questions(person: Person): readonly Stanza[] {
  return person.take().filter(({ name, type }) => name === 'iq' && type === 'get')
}

async function answer(person: Person, question: Stanza | undefined, info: DiscoInfo): Promise<void> {
  const node = question?.childAt(0)?.attrs['node']
  await person.say(
    `<iq type='result' id='${question?.id}' to='${question?.from}'>${discoInfoElement(info, node).toString()}</iq>`,
  )
}

t.test('a kind of client is asked once, also after a restart', async (t) => {
  const info = clientThatCan(`${TUNE}+notify`, 'urn:xmpp:ping')
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  await romeo.say(announcing(capsVer(info)))
  const [question, another] = questions(romeo)
  t.match(question, { id: 'disco', from: 'romeo@localhost' })
  t.equal(another, undefined)
  t.equal(capsOf(world).of(romeo.session), undefined, 'nobody knows yet')
  await answer(romeo, question, info)
  t.strictSame([...(capsOf(world).of(romeo.session)?.interests ?? [])], [TUNE])
  t.ok(capsOf(world).of(romeo.session)?.features.has('urn:xmpp:ping'))

  const juliet = await world.client('juliet@localhost/balcony')
  await juliet.say(announcing(capsVer(info)))
  t.strictSame(questions(juliet), [])
  t.strictSame([...(capsOf(world).of(juliet.session)?.interests ?? [])], [TUNE])

  const { kinds } = await world.storage.open('localhost', { kinds: map<object>('caps') })
  t.strictSame([...(await kinds.all('')).keys()], [`115 sha-1 ${capsVer(info)}`])
  t.strictSame(world.complaints, [])
})

t.test('hashes that cannot be misread go before those that can', async (t) => {
  const info = clientThatCan(`${TUNE}+notify`)
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  const [hash] = capabilityHashes(info) ?? []
  const presence = `<presence><c xmlns='urn:xmpp:caps'><hash xmlns='urn:xmpp:hashes:2' algo='${hash?.algorithm}'>${hash?.value}</hash></c></presence>`
  await romeo.say(presence)
  const [question] = questions(romeo)
  t.equal(question?.childAt(0)?.attrs['node'], `urn:xmpp:caps#${hash?.algorithm}.${hash?.value}`)
  await answer(romeo, question, info)
  t.strictSame([...(capsOf(world).of(romeo.session)?.interests ?? [])], [TUNE])
  const juliet = await world.client('juliet@localhost/balcony')
  await juliet.say(presence)
  t.strictSame(questions(juliet), [])
})

t.test('what no hash vouches for is nobody else’s', async (t) => {
  const claimed = clientThatCan(`${TUNE}+notify`)
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  await romeo.say(announcing(capsVer(claimed)))
  await answer(romeo, questions(romeo)[0], clientThatCan('urn:example:other+notify'))
  t.strictSame([...(capsOf(world).of(romeo.session)?.interests ?? [])], ['urn:example:other'])
  const juliet = await world.client('juliet@localhost/balcony')
  await juliet.say(announcing(capsVer(claimed)))
  t.equal(questions(juliet).length, 1)
})

t.test('what a client announces it may change, and take back', async (t) => {
  const tune = clientThatCan(`${TUNE}+notify`)
  const nothing = clientThatCan()
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  await romeo.say(announcing(capsVer(tune)))
  await romeo.say(announcing(capsVer(nothing)))
  const [first, second] = questions(romeo)
  t.not(first?.id, second?.id, 'two questions can be told apart')
  await answer(romeo, second, nothing)
  await answer(romeo, first, tune)
  t.strictSame(
    [...(capsOf(world).of(romeo.session)?.interests ?? [])],
    [],
    'the later announcement counts, whatever is answered first',
  )
  await romeo.say(announcing(capsVer(tune)))
  t.strictSame([...(capsOf(world).of(romeo.session)?.interests ?? [])], [TUNE], 'and nothing is asked twice')
  await romeo.say('<presence/>')
  t.equal(capsOf(world).of(romeo.session), undefined)
})

t.test('only so many kinds are remembered', async (t) => {
  await using world = await AccountWorld.open({ modules: '{ caps: { max_known: 2 } }' })
  const romeo = await world.client('romeo@localhost/orchard')
  const vers: (string | undefined)[] = []
  for (const n of [1, 2, 3]) {
    const info = clientThatCan(`urn:example:${n}`)
    vers.push(capsVer(info))
    await romeo.say(announcing(capsVer(info)))
    await answer(romeo, questions(romeo)[0], info)
  }
  const { kinds } = await world.storage.open('localhost', { kinds: map<object>('caps') })
  t.strictSame(
    [...(await kinds.all('')).keys()],
    vers.slice(1).map((ver) => `115 sha-1 ${ver}`),
  )
})

t.test('a presence with an announcement of the old format says nothing', async (t) => {
  await using world = await AccountWorld.open()
  const presence = Stanza.parse(
    "<presence from='a@b/c'><c xmlns='http://jabber.org/protocol/caps' node='x' ver='0.1'/></presence>",
  )
  t.equal(capsOf(world).announcedIn(presence), undefined)
})
