import t from 'tap'
import { keyval } from '../../storage/store.ts'
import { AccountWorld } from '../support/account-world.ts'

const QUERY = "<query xmlns='jabber:iq:last'/>"

t.test('tells how long somebody has been away', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  const juliet = await world.client('juliet@localhost/balcony')
  await juliet.say("<presence type='subscribed' to='romeo@localhost'/>")
  await romeo.say("<presence type='subscribe' to='juliet@localhost'/>")
  await juliet.say("<presence type='unavailable'><status>Good night</status></presence>")
  await world.advance(60_000)
  await juliet.leave()
  await world.advance(3_600_500)
  romeo.take()
  await romeo.say(`<iq type='get' to='juliet@localhost' id='l'>${QUERY}</iq>`)
  const [answer] = romeo.take()
  t.equal(answer?.childAt(0)?.attrs['seconds'], '3600')
  t.equal(answer?.childAt(0)?.getText(), 'Good night')
  await romeo.say(`<iq type='get' to='localhost' id='l'>${QUERY}</iq>`)
  t.equal(romeo.take()[0]?.childAt(0)?.attrs['seconds'], '3660', 'and how long the host has been running')
})

t.test('notes nothing of an account that is removed', async (t) => {
  await using world = await AccountWorld.open({ modules: '{ tombstones: false }' })
  await world.client('romeo@localhost/orchard')
  await world.accounts.remove('romeo')
  await world.advance(0)
  const { partings } = await world.storage.open('localhost', { partings: keyval('last') })
  t.equal(await partings.get('romeo'), undefined)
  // Whoever has the name next leaves something behind again.
  const heir = await world.client('romeo@localhost/orchard')
  await heir.leave()
  t.not(await partings.get('romeo'), undefined)
})
