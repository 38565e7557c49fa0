import t from 'tap'
import { Jid } from '../../server/jid/jid.ts'
import { Directory } from '../../server/session/account.ts'
import { AccountWorld } from '../support/account-world.ts'

t.test('an account that is held is the same for all, and is forgotten afterwards', (t) => {
  const directory = new Directory()
  const jid = Jid.parse('romeo@localhost/orchard')
  {
    using held = directory.hold(jid)
    using again = directory.hold(jid)
    t.equal(again.account, held.account)
    directory.release(held.account)
    t.equal(directory.account('romeo@localhost'), held.account)
    t.equal(held.account.jid.full, 'romeo@localhost')
  }
  t.equal(directory.account('romeo@localhost'), undefined)
  t.end()
})

t.test('a client that binds while the last other one leaves can be reached', async (t) => {
  await using world = await AccountWorld.open()
  const juliet = await world.client('juliet@localhost/balcony')
  const romeo = await world.client('romeo@localhost/orchard')
  const left = Promise.withResolvers<void>()
  // Somebody has something to load for the new one; meanwhile the old one goes.
  const slow = world.host.hooks.on('session/binding', () => left.promise, 0, 'spec')
  const binding = world.client('romeo@localhost/mobile')
  await romeo.leave()
  left.resolve()
  const mobile = await binding
  slow[Symbol.dispose]()
  await juliet.say("<message to='romeo@localhost' id='m' type='chat'><body>Still there?</body></message>")
  t.strictSame(mobile.messages(), ['m'])
  const roster = await mobile.ask('get', "<query xmlns='jabber:iq:roster'/>")
  t.match(roster, { type: 'result' })
})
