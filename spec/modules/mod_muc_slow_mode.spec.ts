/** Slow mode: one message in so many seconds, whatever the nickname or client. */
import t from 'tap'
import slowMode from '../../modules/mod_muc_slow_mode.ts'
import type { AnyModule } from '../../server/host/module.ts'
import { MucWorld, ROOM } from '../support/muc-world.ts'

t.test('people wait between two messages', async (t) => {
  await using world = await MucWorld.open({ modules: [slowMode] as readonly unknown[] as readonly AnyModule[] })
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  const phone = world.person('juliet@localhost/phone')
  await romeo.join('Romeo')
  await romeo.configure({ slow_mode_duration: '20' })
  await juliet.join('Juliet')
  await phone.join('Capulet')
  juliet.take()
  await juliet.speak('one')
  await juliet.say(
    `<message to='${ROOM}' type='groupchat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
  )
  t.match(juliet.hear(), ['message groupchat room/Juliet "one"', 'message groupchat room/Juliet'], 'chat states pass')
  await juliet.speak('two')
  const [refusal] = juliet.take()
  t.match(refusal?.toString(), /type='wait'.*policy-violation.*20 seconds/)
  phone.take()
  await phone.speak('two')
  t.strictSame(phone.hear(), ['message error policy-violation'], 'with another client and nickname, too')
  await romeo.speak('one')
  await romeo.speak('two')
  t.equal(juliet.hear().length, 2, 'admins do not wait')
  world.clock.advance(20_000)
  await juliet.speak('three')
  t.strictSame(juliet.hear(), ['message groupchat room/Juliet "three"'])
  await juliet.say(`<iq to='${ROOM}' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`)
  t.match(juliet.take().join(''), /muc#roominfo_slow_mode_duration'[^>]*><value>20</)
  await romeo.configure({ slow_mode_duration: '-1' })
  t.strictSame(romeo.hear().at(-1), 'iq error not-acceptable')
  await romeo.configure({ slow_mode_duration: '0' })
  juliet.take()
  await juliet.speak('four')
  await juliet.speak('five')
  t.equal(juliet.hear().length, 2)
  t.same(world.complaints, [])
})
