import fc from 'fast-check'
import t from 'tap'
import { FIELDS, matches, type Person, personOn, wantedOf } from '../../../modules/mod_user_search/people.ts'
import { parseElement } from '../../../server/xml/parse.ts'
import { AccountWorld, type Person as Client } from '../../support/account-world.ts'

const WITH = { modules: '{ user_search: { most_found: 2 } }' }

const card = (given: string): string =>
  `<vCard xmlns='vcard-temp'><FN>${given}</FN><N><GIVEN>${given}</GIVEN><FAMILY>Capulet</FAMILY></N></vCard>`

async function search(client: Client, last: string): Promise<readonly (string | undefined)[] | string | undefined> {
  client.take()
  await client.say(
    `<iq type='set' id='s' to='localhost'><query xmlns='jabber:iq:search'><last>${last}</last></query></iq>`,
  )
  const answer = client.take().find(({ id }) => id === 's')
  if (answer?.type === 'error') return answer.child('error')?.elements[0]?.name
  return answer?.child('query', 'jabber:iq:search')?.elements.map(({ attrs }) => attrs['jid'])
}

t.test('what is on a card', (t) => {
  const text = `<vCard xmlns='vcard-temp'><FN> Jule </FN><N><GIVEN/></N><EMAIL><USERID>j@c.example</USERID></EMAIL></vCard>`
  t.strictSame(personOn(parseElement(text)), { nick: 'Jule', email: 'j@c.example' })
  t.equal(personOn(parseElement("<vCard xmlns='vcard-temp'><N/><PHOTO/></vCard>")), undefined)
  t.end()
})

const person: fc.Arbitrary<Person> = fc
  .array(fc.tuple(fc.constantFrom(...FIELDS), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 })))
  .map((fields) => Object.fromEntries(fields))

t.test('everybody is found by what is known of them, written large or small', (t) => {
  fc.assert(
    fc.property(person, (known) => {
      const wanted = wantedOf(known)
      if (wanted !== undefined && !JSON.stringify(known).includes('*')) t.ok(matches(known, wanted))
    }),
  )
  t.end()
})

t.test('nobody is found by what they have not said', (t) => {
  fc.assert(
    fc.property(person, person, (known, said) => {
      const wanted = wantedOf(said)
      if (wanted === undefined || !matches(known, wanted)) return
      for (const field of FIELDS) if (wanted[field] !== undefined) t.not(known[field], undefined)
    }),
  )
  t.end()
})

t.test('so many are found at most, none that is disabled or gone', async (t) => {
  await using world = await AccountWorld.open(WITH)
  for (const node of ['anna', 'bella', 'clara', 'dora']) {
    const client = await world.client(`${node}@localhost/x`)
    await client.ask('set', card(node))
    await client.leave()
  }
  const romeo = await world.client('romeo@localhost/x')
  t.strictSame(await search(romeo, 'capulet'), ['anna@localhost', 'bella@localhost'])
  await world.accounts.update('anna', { disabled: true })
  await world.accounts.remove('bella')
  t.strictSame(await search(romeo, 'capulet'), ['clara@localhost', 'dora@localhost'])
  t.strictSame(world.complaints, [])
})

t.test('cards that were there before are found', async (t) => {
  await using world = await AccountWorld.open(WITH)
  const juliet = await world.client('juliet@localhost/x')
  await juliet.ask('set', card('Juliet'))
  const loader = world.server.hosts.get('localhost')?.loader
  const [module] = (await loader?.unload('user_search')) ?? []
  if (module === undefined) throw new Error('it was not loaded')
  t.equal(await search(juliet, 'capulet'), 'service-unavailable')
  await loader?.load(module)
  // They are read in the background.
  for (let i = 0; i < 10; i++) await world.advance(0)
  t.strictSame(await search(juliet, 'capulet'), ['juliet@localhost'])
})

t.test('nobody searches all day', async (t) => {
  await using world = await AccountWorld.open(WITH)
  const romeo = await world.client('romeo@localhost/x')
  const answers: unknown[] = []
  for (let i = 0; i < 11; i++) answers.push(await search(romeo, 'capulet'))
  t.strictSame(answers.at(-2), [])
  t.equal(answers.at(-1), 'resource-constraint')
})
