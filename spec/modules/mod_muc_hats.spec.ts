/** Hats: made, given, shown and taken away, by admins alone. */
import t from 'tap'
import hats from '../../modules/mod_muc_hats.ts'
import type { AnyModule } from '../../server/host/module.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import { MucWorld, ROOM } from '../support/muc-world.ts'

const modules = [hats] as readonly unknown[] as readonly AnyModule[]
const COMMANDS = 'urn:xmpp:hats:commands'
const HOST = 'http://schemas.example.com/hats#host'

async function stage() {
  const world = await MucWorld.open({ modules })
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  await romeo.join('Romeo')
  await romeo.configure({ persistentroom: '1' })
  await juliet.join('Juliet')
  for (const person of [romeo, juliet]) person.take()
  return { world, romeo, juliet }
}

/** The titles of the hats in presence. */
function worn(stanzas: readonly Stanza[]): readonly string[] {
  return stanzas
    .filter(({ name }) => name === 'presence')
    .map((stanza) => {
      const elements = stanza.child('hats', 'urn:xmpp:hats:0')?.elements ?? []
      return `${stanza.from?.split('/')[1]}: ${elements.map(({ attrs }) => attrs['title']).join()}`
    })
}

t.test('an admin makes a hat, gives it to somebody, and takes it away', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  await romeo.command(`${COMMANDS}:create`)
  t.match(romeo.take().join(''), /status='executing'.*hats#title.*<required\/>.*hats#uri.*hats#hue/)
  await romeo.command(`${COMMANDS}:create`, { 'hats#title': 'Host', 'hats#uri': HOST, 'hats#hue': '327.25' })
  t.match(romeo.take().map(String), [/status='completed'/, /<status code='104'\/>/])
  juliet.take()

  await romeo.command(`${COMMANDS}:assign`, { 'hats#jid': 'juliet@localhost', 'hats#uri': HOST })
  t.strictSame(worn(romeo.take()), ['Juliet: Host'])
  t.strictSame(worn(juliet.take()), ['Juliet: Host'])
  const nurse = world.person('nurse@localhost/n')
  await nurse.join('Nurse')
  t.strictSame(worn(nurse.take()), ['Romeo: ', 'Juliet: Host', 'Nurse: '], 'whoever comes later sees it')
  await juliet.say(
    `<presence to='${ROOM}'><hats xmlns='urn:xmpp:hats:0'><hat title='King' uri='x:king'/></hats></presence>`,
  )
  t.strictSame(worn(nurse.take()), ['Juliet: Host'], 'nobody makes a hat for themselves')

  await romeo.command(`${COMMANDS}:list-assigned`)
  t.match(romeo.take().join(''), /juliet@localhost.*hats#host/)
  await juliet.command(`${COMMANDS}:list`)
  t.match(juliet.take().join(''), /<value>Host<\/value>.*<value>327.25<\/value>/)
  await juliet.say(`<iq to='${ROOM}' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`)
  t.match(juliet.take().join(''), /urn:xmpp:hats:0.*hats#hash/)

  await romeo.command(`${COMMANDS}:unassign`, { 'hats#jid': 'juliet@localhost', 'hats#uri': HOST })
  t.strictSame(worn(juliet.take()), ['Juliet: '])
  await romeo.command(`${COMMANDS}:assign`, { 'hats#jid': 'juliet@localhost', 'hats#uri': HOST })
  juliet.take()
  await romeo.command(`${COMMANDS}:destroy`, { 'hats#uri': HOST })
  t.strictSame(worn(juliet.take()), ['Juliet: '], 'a hat that is destroyed is worn no more')
  t.same(world.complaints, [])
})

t.test('refusals', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  await romeo.command(`${COMMANDS}:create`, { 'hats#title': 'Host', 'hats#uri': HOST })
  juliet.take()
  await juliet.command(`${COMMANDS}:create`, { 'hats#title': 'King', 'hats#uri': 'x:king' })
  await juliet.command(`${COMMANDS}:assign`, { 'hats#jid': 'juliet@localhost', 'hats#uri': HOST })
  await juliet.command(`${COMMANDS}:list-assigned`)
  t.strictSame(
    juliet.hear(),
    Array.from({ length: 3 }, () => 'iq error forbidden'),
  )
  romeo.take()
  await romeo.command(`${COMMANDS}:create`, { 'hats#title': 'No URI', 'hats#uri': 'host' })
  await romeo.command(`${COMMANDS}:create`, { 'hats#title': 'Host', 'hats#uri': HOST, 'hats#hue': 'red' })
  await romeo.command(`${COMMANDS}:assign`, { 'hats#jid': 'juliet@localhost', 'hats#uri': 'x:unknown' })
  await romeo.command(`${COMMANDS}:unassign`, { 'hats#jid': 'juliet@localhost', 'hats#uri': HOST })
  await romeo.command('urn:unknown')
  t.strictSame(romeo.hear(), [
    'iq error not-acceptable',
    'iq error not-acceptable',
    'iq error not-acceptable',
    'iq error item-not-found',
    'iq error item-not-found',
  ])
  const command = (attributes: string) =>
    romeo.say(
      `<iq to='${ROOM}' type='set' id='c'><command xmlns='http://jabber.org/protocol/commands' node='${COMMANDS}:list' ${attributes}/></iq>`,
    )
  await command("sessionid='unknown'")
  await command("action='dance'")
  await command("action='prev'")
  t.match(romeo.take().map(String), [/bad-sessionid/, /malformed-action/, /bad-action/])
  await romeo.configure({ enable_hats: '0' })
  romeo.take()
  await romeo.command(`${COMMANDS}:list`)
  t.strictSame(romeo.hear(), ['iq error forbidden'])
})
