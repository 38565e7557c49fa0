import t from 'tap'
import type { StoredContact } from '../../../modules/mod_roster/roster.ts'
import { map, type MapStore } from '../../../storage/store.ts'
import { AccountWorld } from '../../support/account-world.ts'

const ROSTER = "<query xmlns='jabber:iq:roster'/>"
const NURSE = "<query xmlns='jabber:iq:roster'><item jid='nurse@localhost' name='Angelica'/></query>"

/** The store that the roster of that world is in. */
async function contactsOf({ storage }: AccountWorld): Promise<MapStore<StoredContact>> {
  return (await storage.open('localhost', { contacts: map<StoredContact>('roster') })).contacts
}

/** Runs something while nothing can be written. */
async function whileFull<T>(store: MapStore<T>, run: () => Promise<void>): Promise<void> {
  const setMany = store.setMany.bind(store)
  store.setMany = () => Promise.reject(new Error('the disk is full'))
  await run()
  store.setMany = setMany
}

t.test('what could not be stored has not happened', async (t) => {
  await using world = await AccountWorld.open()
  const contacts = await contactsOf(world)
  const romeo = await world.client('romeo@localhost/orchard')
  await romeo.ask('get', ROSTER)
  await whileFull(contacts, async () => {
    t.match(await romeo.ask('set', NURSE), { type: 'error' })
    t.strictSame(romeo.take(), [], 'and is pushed to nobody')
    await romeo.say("<presence type='subscribe' to='juliet@localhost'/>")
    t.match(
      romeo.take().map(({ name, type }) => `${name} ${type}`),
      ['presence error'],
    )
  })
  const roster = await romeo.ask('get', ROSTER)
  t.strictSame(roster.childAt(0)?.elements, [])
  t.match(await romeo.ask('set', NURSE), { type: 'result' }, 'one can try again')
  t.equal(world.complaints.filter((line) => !line.includes('the disk is full')).length, 0)
})

t.test('a request that could not be stored is refused', async (t) => {
  await using world = await AccountWorld.open()
  const contacts = await contactsOf(world)
  const juliet = await world.client('juliet@localhost/balcony')
  const romeo = await world.client('romeo@localhost/orchard')
  await romeo.say("<presence type='subscribed' to='juliet@localhost'/>")
  romeo.take()
  const setMany = contacts.setMany.bind(contacts)
  contacts.setMany = (owner, entries) =>
    owner === 'juliet' ? Promise.reject(new Error('the disk is full')) : setMany(owner, entries)
  await romeo.say("<presence type='subscribe' to='juliet@localhost'/>")
  contacts.setMany = setMany
  t.match(
    romeo.take().map(({ name, type, from }) => `${name} ${type} ${from}`),
    ['presence error juliet@localhost'],
  )
  t.strictSame(juliet.take(), [])
})

t.test('two clients that change the same contact leave one of their states, in memory as on disk', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  const mobile = await world.client('romeo@localhost/mobile')
  const named = (name: string): string =>
    `<iq type='set' id='${name}'><query xmlns='jabber:iq:roster'><item jid='nurse@localhost' name='${name}'/></query></iq>`
  await Promise.all([romeo.say(named('one')), mobile.say(named('two'))])
  const shown = (await romeo.ask('get', ROSTER)).childAt(0)?.elements[0]?.attrs['name']
  const stored = await (await contactsOf(world)).get('romeo', 'nurse@localhost')
  t.equal(shown, 'two')
  t.equal(stored?.item?.name, shown)
})

t.test('a roster outlives its sessions, and the cache', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  await romeo.ask('set', NURSE)
  await romeo.leave()
  const again = await world.client('romeo@localhost/orchard')
  t.equal((await again.ask('get', ROSTER)).childAt(0)?.elements[0]?.attrs['name'], 'Angelica')
})

t.test('nothing is left in memory of an account that was removed, whoever asks meanwhile', async (t) => {
  await using world = await AccountWorld.open({ modules: '{ tombstones: false }' })
  const romeo = await world.client('romeo@localhost/orchard')
  const juliet = await world.client('juliet@localhost/balcony')
  await romeo.say("<presence type='subscribed' to='juliet@localhost'/>")
  await juliet.say("<presence type='subscribe' to='romeo@localhost'/>")
  await romeo.leave()
  const removed = world.accounts.remove('romeo')
  // Each of these looks at the roster while it goes.
  await juliet.say("<presence type='probe' to='romeo@localhost'/>")
  await juliet.say("<presence type='subscribe' to='romeo@localhost'/>")
  await removed
  await juliet.say("<presence type='probe' to='romeo@localhost'/>")
  await world.accounts.create('romeo', 'another')
  const heir = await world.client('romeo@localhost/orchard')
  const roster = await heir.ask('get', ROSTER)
  t.strictSame(roster.childAt(0)?.elements, [])
  t.equal(roster.childAt(0)?.attrs['ver'], '1')
  t.strictSame(await (await contactsOf(world)).all('romeo'), new Map())
})
