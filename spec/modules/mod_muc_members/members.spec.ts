/** Members who are away: told what is said, by the host of their account, and where something was said when they come back. */
import t from 'tap'
import mam from '../../../modules/mod_muc_mam/index.ts'
import members from '../../../modules/mod_muc_members/index.ts'
import type { AwayMessage } from '../../../modules/mod_muc_members/notices.ts'
import rai from '../../../modules/mod_muc_rai.ts'
import type { AnyModule } from '../../../server/host/module.ts'
import { MucWorld, type Person, ROOM, SERVICE } from '../../support/muc-world.ts'

const modules = [mam, members, rai] as readonly unknown[] as readonly AnyModule[]
const NOTIFY = '{https://madrigal.im/protocol/muc}register_notify'

function register(person: Person, nick: string, notify?: string): Promise<void> {
  const field = notify === undefined ? '' : `<field var='${NOTIFY}'><value>${notify}</value></field>`
  const form = `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field><field var='muc#register_roomnick'><value>${nick}</value></field>${field}</x>`
  return person.say(`<iq to='${ROOM}' type='set' id='r'><query xmlns='jabber:iq:register'>${form}</query></iq>`)
}

async function stage(config = '{}') {
  const world = await MucWorld.open({ modules, config })
  const woken: string[] = []
  world.onAccounts('push/room-message', ({ account, stanza, isMention, wish }: AwayMessage) => {
    woken.push(`${account.full} ${stanza.childText('body')} ${wish}${isMention ? ' mention' : ''}`)
  })
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  await romeo.join('Romeo')
  await romeo.configure({ persistentroom: '1' })
  await romeo.administer("<item jid='juliet@localhost' affiliation='member'/>")
  const told = async (): Promise<readonly string[]> => {
    await world.settled()
    return woken.splice(0)
  }
  return { world, romeo, juliet, told }
}

t.test('a registration is taken as a whole, or not at all', async (t) => {
  const { world } = await stage('{ allow_unaffiliated_register: true }')
  await using _ = world
  const nurse = world.person('nurse@localhost/n')
  await register(nurse, 'Nurse', 'loudly')
  t.strictSame(nurse.hear(), ['iq error not-acceptable'])
  t.equal((await world.rooms.find('room'))?.affiliates.own('nurse@localhost'), 'none')
  await register(nurse, 'Nurse', 'always')
  t.strictSame(nurse.hear(), ['iq result'])
})

t.test('a registered member who is away is told what is said, as they chose', async (t) => {
  const { world, romeo, juliet, told } = await stage()
  await using _ = world
  await romeo.speak('before')
  t.strictSame(await told(), [], 'whoever has not registered is just no occupant')
  await register(juliet, 'Juliet')
  await romeo.speak('hello')
  await romeo.speak('hello juliet!')
  await romeo.speak('julietta')
  t.strictSame(await told(), [
    'juliet@localhost hello on-mention',
    'juliet@localhost hello juliet! on-mention mention',
    'juliet@localhost julietta on-mention',
  ])
  await romeo.say(
    `<message to='${ROOM}' type='groupchat'><body>x</body><reply xmlns='urn:xmpp:reply:0' to='${ROOM}/Juliet' id='1'/></message>`,
  )
  await romeo.say(
    `<message to='${ROOM}' type='groupchat'><body>y</body><reference xmlns='urn:xmpp:reference:0' type='mention' uri='xmpp:juliet@localhost'/></message>`,
  )
  await romeo.say(
    `<message to='${ROOM}' type='groupchat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
  )
  t.strictSame(await told(), ['juliet@localhost x on-mention mention', 'juliet@localhost y on-mention mention'])
  await register(juliet, 'Juliet', 'never')
  await romeo.speak('sh')
  t.strictSame(await told(), ['juliet@localhost sh never'])
  await juliet.join('Juliet')
  await romeo.speak('you are here')
  t.strictSame(await told(), [], 'whoever is there hears it')
  await juliet.leave('Juliet')
  await romeo.configure({ membersonly: '1' })
  await register(juliet, 'Capulet', 'always')
  await romeo.speak('again')
  t.strictSame(await told(), ['juliet@localhost again always'])
  await juliet.say(`<iq to='${ROOM}' type='set' id='u'><query xmlns='jabber:iq:register'><remove/></query></iq>`)
  await romeo.speak('gone')
  t.strictSame(await told(), [])
  t.same(world.complaints, [])
})

t.test(
  'in private rooms every message counts, and members are shown as absent to those who may see them',
  async (t) => {
    const { world, romeo, juliet, told } = await stage()
    await using _ = world
    await register(juliet, 'Juliet')
    await romeo.configure({ membersonly: '1', presencebroadcast: ['none', 'visitor', 'participant', 'moderator'] })
    await romeo.speak('hello')
    t.strictSame(await told(), ['juliet@localhost hello always'])
    await romeo.administer("<item jid='nurse@localhost' affiliation='member'/>")
    const nurse = world.person('nurse@localhost/n')
    await nurse.join('Nurse')
    t.match(nurse.hear(), [/Romeo/, 'presence unavailable room/Juliet member/none nick=Juliet', /Nurse/])
    await juliet.join('Juliet')
    juliet.take()
    await juliet.say(`<iq to='${ROOM}' type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>`)
    t.match(juliet.take().map(String).join(''), /hello/, 'and catch up when they come')
  },
)

t.test('members are registered when they enter, if the service is so', async (t) => {
  const { world, romeo, juliet, told } = await stage('{ modules: { muc_members: { reserve_nicknames: true } } }')
  await using _ = world
  await juliet.join('Juliet')
  await world.settled()
  await juliet.leave('Juliet')
  await romeo.speak('hello')
  t.strictSame(await told(), ['juliet@localhost hello on-mention'])
})

t.test('members learn in which rooms something was said, once', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  const other = `other@${SERVICE}`
  await romeo.join('Romeo', other)
  await romeo.configure({ persistentroom: '1' }, other)
  const subscribe = `<presence to='${SERVICE}'><rai xmlns='urn:xmpp:rai:0'/></presence>`
  const heard = async () => {
    await world.settled()
    return juliet.take().map((stanza) =>
      stanza
        .child('rai', 'urn:xmpp:rai:0')
        ?.elements.map((each) => each.getText())
        .join(),
    )
  }
  juliet.take()
  await romeo.speak('one')
  await juliet.say(subscribe)
  t.strictSame(await heard(), [ROOM], 'what was said before')
  await romeo.speak('two')
  t.strictSame(await heard(), [], 'once is enough')
  await juliet.join('Juliet')
  await juliet.leave('Juliet')
  await heard()
  world.clock.advance(1000)
  await romeo.speak('three')
  await romeo.speak('four')
  t.strictSame(await heard(), [ROOM])
  await romeo.speak('elsewhere', other)
  t.strictSame(await heard(), [], 'of rooms to which one does not belong one hears nothing')
  await juliet.join('Juliet')
  await juliet.leave('Juliet')
  world.clock.advance(1000)
  await juliet.say(subscribe)
  await heard()
  await juliet.say(`<presence to='${SERVICE}' type='unavailable'/>`)
  await romeo.speak('five')
  t.strictSame(await heard(), [])
  await juliet.say(subscribe)
  t.strictSame(await heard(), [ROOM])
  t.same(world.complaints, [])
})
