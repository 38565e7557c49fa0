/** XEP-0280: who gets copies, and when. */
import t from 'tap'
import { defineModule } from '../../server/host/module.ts'
import type { Person } from '../support/account-world.ts'
import { AccountWorld } from '../support/account-world.ts'

const NS_CARBONS = 'urn:xmpp:carbons:2'
/** Ids of messages are of interest here, and not those in archives. */
const MODULES = '{ mam: false }'

const switchOn = (person: Person) => person.ask('set', `<enable xmlns='${NS_CARBONS}'/>`)

const chat = (to: string, id: string): string => `<message to='${to}' type='chat' id='${id}'><body>Hi</body></message>`

/** Which messages a client got, and how: `m1`, or `received m1`. */
function heard(person: Person): readonly string[] {
  return person
    .take()
    .filter(({ name }) => name === 'message')
    .map((stanza) => {
      const copy = ['sent', 'received']
        .map((name) => stanza.child(name, NS_CARBONS))
        .find((child) => child !== undefined)
      const message = copy?.child('forwarded', 'urn:xmpp:forward:0')?.child('message', 'jabber:client')
      return copy === undefined ? String(stanza.id) : `${copy.name} ${message?.attrs['id']}`
    })
}

t.test('each client hears once, as a copy only where it hears of nothing otherwise', async (t) => {
  await using world = await AccountWorld.open({ modules: MODULES })
  const romeo = await world.client('romeo@localhost/r')
  const desk = await world.client('juliet@localhost/desk')
  const phone = await world.client('juliet@localhost/phone')
  const tablet = await world.client('juliet@localhost/tablet')
  const silent = await world.client('juliet@localhost/silent', { silent: true })
  await desk.say('<presence><priority>5</priority></presence>')
  await phone.say('<presence><priority>5</priority></presence>')
  await tablet.say('<presence><priority>-1</priority></presence>')
  for (const person of [desk, phone, tablet, silent]) await switchOn(person)
  const all = (): readonly (readonly string[])[] => [desk, phone, tablet, silent].map(heard)
  all()

  await romeo.say(chat('juliet@localhost', 'bare'))
  t.strictSame(
    all(),
    [['bare'], ['bare'], ['received bare'], ['received bare']],
    'those of the highest priority get it',
  )

  await romeo.say(chat('juliet@localhost/tablet', 'full'))
  t.strictSame(all(), [['received full'], ['received full'], ['full'], ['received full']])

  await romeo.say(chat('juliet@localhost/gone', 'gone'))
  t.strictSame(all(), [['gone'], ['gone'], ['received gone'], ['received gone']], 'as if to the bare JID')

  await romeo.say(
    `<message to='juliet@localhost' type='headline' id='news'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
  )
  t.strictSame(
    all(),
    [['news'], ['news'], ['received news'], ['received news']],
    'a headline goes to every priority but negative ones',
  )

  await desk.say('<presence><priority>1</priority></presence>')
  all()
  await romeo.say(chat('juliet@localhost', 'lower'))
  t.strictSame(all(), [['received lower'], ['lower'], ['received lower'], ['received lower']])

  await phone.say(chat('romeo@localhost', 'answer'))
  t.strictSame(all(), [['sent answer'], [], ['sent answer'], ['sent answer']])
  t.strictSame(heard(romeo).at(-1), 'answer')

  await tablet.ask('set', `<disable xmlns='${NS_CARBONS}'/>`)
  await desk.leave()
  await romeo.say(chat('juliet@localhost/phone', 'less'))
  t.strictSame(all(), [[], ['less'], [], ['received less']])
  t.strictSame(world.complaints, [])
})

t.test('a new session under an old resource has to ask anew', async (t) => {
  await using world = await AccountWorld.open({ modules: MODULES })
  const romeo = await world.client('romeo@localhost/r')
  await world.client('juliet@localhost/desk')
  const old = await world.client('juliet@localhost/phone')
  await switchOn(old)
  const phone = await world.client('juliet@localhost/phone')
  old.take()
  await romeo.say(chat('juliet@localhost/desk', 'm1'))
  t.strictSame([heard(old), heard(phone)], [[], []])
})

t.test('an account that was copied is copied after all its clients have left and come back', async (t) => {
  await using world = await AccountWorld.open({ modules: MODULES })
  const romeo = await world.client('romeo@localhost/r')
  const first = await world.client('juliet@localhost/phone')
  await switchOn(first)
  await first.leave()
  const phone = await world.client('juliet@localhost/phone')
  await world.client('juliet@localhost/desk')
  await romeo.say(chat('juliet@localhost/desk', 'm1'))
  t.strictSame(heard(phone), [])
  await switchOn(phone)
  await romeo.say(chat('juliet@localhost/desk', 'm2'))
  t.strictSame(heard(phone), ['received m2'])
})

t.test('of errors it remembers the last hundred messages', async (t) => {
  await using world = await AccountWorld.open({ modules: MODULES })
  const romeo = await world.client('romeo@localhost/r')
  const phone = await world.client('romeo@localhost/phone')
  const juliet = await world.client('juliet@localhost/j')
  await switchOn(phone)
  for (let i = 0; i < 101; i++) await romeo.say(chat('juliet@localhost/j', `m${i}`))
  phone.take()
  const error = (id: string): string =>
    `<message to='romeo@localhost/r' type='error' id='${id}'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
  for (const id of ['m0', 'm1', 'm100', 'other']) await juliet.say(error(id))
  t.strictSame(heard(phone), ['received m1', 'received m100'])
  await romeo.say(`<message to='juliet@localhost/j' type='error' id='m1'><error type='cancel'/></message>`)
  t.strictSame(heard(phone), ['sent m1'], 'in both directions')
  await juliet.say(error('m100').replace('/r', ''))
  t.strictSame(heard(phone), ['received m100'], 'also one that is for nobody in particular')
})

t.test('other modules decide otherwise, and change what is copied', async (t) => {
  const meddler = defineModule({
    name: 'meddler',
    about: 'has an opinion on copies',
    on: ['local'],
    setup(host) {
      host.on('carbons/eligible', ({ stanza }) =>
        stanza.id === 'odd' ? true : stanza.id === 'secret' ? false : undefined,
      )
      host.on(
        'carbons/copying',
        (copying) => void (copying.stanza = copying.stanza.with({ id: `${copying.stanza.id}!` })),
      )
    },
  })
  await using world = await AccountWorld.open({ modules: MODULES, others: [meddler] })
  const romeo = await world.client('romeo@localhost/r')
  await world.client('juliet@localhost/desk')
  const phone = await world.client('juliet@localhost/phone')
  await switchOn(phone)
  await romeo.say(`<message to='juliet@localhost/desk' id='odd'><x xmlns='urn:example:x'/></message>`)
  await romeo.say(chat('juliet@localhost/desk', 'secret'))
  await romeo.say(chat('juliet@localhost/desk', 'plain'))
  t.strictSame(heard(phone), ['received odd!', 'received plain!'])
})
