/** Presence that goes to more people than can be told in one go. */
import t from 'tap'
import type { RosterItem, StoredContact } from '../../modules/mod_roster/roster.ts'
import { map } from '../../storage/store.ts'
import { AccountWorld, type Person } from '../support/account-world.ts'

const CONTACTS = 2000
const friend: RosterItem = { subscription: 'from', ask: false, approved: false, name: undefined, groups: [] }

/** Juliet, who has thousands of contacts; two of them are there, and are told first and last. */
async function stage() {
  const world = await AccountWorld.open()
  const names = ['first', ...Array.from({ length: CONTACTS }, (_, i) => `friend${i}`), 'last']
  const { contacts } = await world.storage.open('localhost', { contacts: map<StoredContact>('roster') })
  await world.accounts.create('juliet', 'secret')
  await contacts.setMany(
    'juliet',
    names.map((name) => [`${name}@localhost`, { item: friend }]),
  )
  const first = await world.client('first@localhost/here')
  const last = await world.client('last@localhost/here')
  const juliet = await world.client('juliet@localhost/balcony', { silent: true })
  return { world, juliet, first, last }
}

const heard = (person: Person): readonly (string | undefined)[] =>
  person
    .take()
    .filter(({ name, from }) => name === 'presence' && from?.startsWith('juliet') === true)
    .map(({ type }) => type ?? 'available')

async function told(person: Person, count: number): Promise<readonly (string | undefined)[]> {
  const all: (string | undefined)[] = []
  for (let turn = 0; all.length < count && turn < 1000; turn++) {
    all.push(...heard(person))
    await new Promise(setImmediate)
  }
  return all
}

t.test('everybody is told, in order, and the loop goes on meanwhile', async (t) => {
  const { world, juliet, first, last } = await stage()
  await using _ = world
  let turns = 0
  let isTelling = true
  const count = (): void => {
    turns++
    if (isTelling) setImmediate(count)
  }
  count()
  const saying = Promise.all([
    juliet.say('<presence/>'),
    juliet.say('<presence><show>away</show></presence>'),
    juliet.say(`<presence type='unavailable'/>`),
  ])
  const expected = ['available', 'available', 'unavailable']
  t.strictSame(await told(first, 3), expected)
  t.strictSame(await told(last, 3), expected)
  isTelling = false
  await saying
  t.ok(turns > 2)
  t.strictSame(world.complaints, [])
})

t.test('who goes while they are told has not come', async (t) => {
  const { world, juliet, last } = await stage()
  await using _ = world
  let begun = 0
  world.host.hooks.on('presence/initial', () => void begun++, 0, 'spec')
  const saying = juliet.say('<presence/>')
  await juliet.leave()
  await saying
  t.strictSame(await told(last, 1), ['unavailable'])
  t.equal(begun, 0)
  t.strictSame(world.complaints, [])
})
