/** XEP-0045 §6, §10.1–§10.2, §10.9: what a room is like, what it tells of itself, and its end. */
import t from 'tap'
import { roomOptions } from '../../../modules/mod_muc/room-options.ts'
import { defineModule } from '../../../server/host/module.ts'
import { t as option } from '../../../server/config/types.ts'
import { roomOption } from '../../../modules/mod_muc/options.ts'
import type { AnyModule } from '../../../server/host/module.ts'
import { MucWorld, type Person, ROOM } from '../../support/muc-world.ts'

const SERVICE = 'conference.localhost'

async function stage(config = '{}'): Promise<{ world: MucWorld; romeo: Person; juliet: Person }> {
  const world = await MucWorld.open({ config })
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  await romeo.join('Romeo')
  await romeo.configure()
  await juliet.join('Juliet')
  romeo.take()
  juliet.take()
  return { world, romeo, juliet }
}

const owner = (person: Person, type: string, inside: string, to = ROOM): Promise<void> =>
  person.say(
    `<iq to='${to}' type='${type}' id='o'><query xmlns='http://jabber.org/protocol/muc#owner'>${inside}</query></iq>`,
  )

async function disco(person: Person, kind: 'info' | 'items', to = ROOM, node = ''): Promise<string> {
  person.take()
  const attribute = node === '' ? '' : ` node='${node}'`
  await person.say(
    `<iq to='${to}' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#${kind}'${attribute}/></iq>`,
  )
  return String(person.take()[0])
}

t.test('the form has every option, as it is', async (t) => {
  const { world, romeo, juliet } = await stage('{ allow_public: false, default_moderated: true }')
  await using _ = world
  await owner(romeo, 'get', '')
  const form = String(romeo.take()[0])
  for (const { field, needs } of roomOptions) {
    const isOffered = needs !== 'allow_public'
    t.equal(form.includes(`var='${field.var}'`), isOffered, field.var)
  }
  t.match(form, /var='muc#roomconfig_moderatedroom' label='[^']*'><value>1<\/value>/, 'what the service sets')
  t.match(form, /<field type='fixed'><value>Who may come in<\/value><\/field>/)
  await owner(juliet, 'get', '')
  await owner(juliet, 'set', `<x xmlns='jabber:x:data' type='submit'/>`)
  t.strictSame(juliet.hear(), ['iq error forbidden', 'iq error forbidden'])
})

t.test('only what is submitted changes, and everybody is told', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  const changes = async (values: Record<string, string | readonly string[]>): Promise<readonly string[]> => {
    romeo.take()
    juliet.take()
    await romeo.configure(values)
    t.equal(
      romeo.hear().find((line) => line.startsWith('iq')),
      'iq result',
    )
    return juliet.hear()
  }
  t.strictSame(await changes({ roomname: 'A Dark Cave' }), ['message groupchat room [104]'])
  t.strictSame(await changes({ roomname: 'A Dark Cave' }), [], 'nothing has changed')
  t.strictSame(await changes({ whois: 'anyone' }), ['message groupchat room [172]'])
  t.strictSame(await changes({ whois: 'moderators', roomname: 'Cave' }), ['message groupchat room [104 173]'])
  t.strictSame(await changes({ presencebroadcast: ['none', 'visitor', 'participant', 'moderator'] }), [
    'message groupchat room [102]',
  ])
  t.strictSame(await changes({ presencebroadcast: ['participant'] }), [
    'presence unavailable room/Romeo owner/none',
    'message groupchat room [103 104]',
  ])
  t.strictSame(await changes({ presencebroadcast: ['moderator', 'participant'] }), [
    'presence room/Romeo owner/moderator',
    'message groupchat room [104]',
  ])
  t.strictSame(await changes({ membersonly: '1' }), [
    'presence unavailable room/Juliet [322 110] none/none jid=juliet@localhost/j',
  ])
  t.match(await disco(romeo, 'info'), /muc_membersonly/)
})

t.test('what a room cannot be is refused, and changes nothing', async (t) => {
  const { world, romeo, juliet } = await stage('{ allow_public: false }')
  await using _ = world
  const refused = async (values: Record<string, string | readonly string[]>): Promise<string> => {
    await romeo.configure(values)
    return romeo.hear().join()
  }
  t.equal(await refused({ passwordprotectedroom: '1' }), 'iq error not-acceptable', 'the password is blank (§10.1.3)')
  t.equal(await refused({ passwordprotectedroom: '1', roomsecret: '' }), 'iq error not-acceptable')
  t.equal(await refused({ roomname: 'x', whois: 'nobody' }), 'iq error not-acceptable')
  t.equal(await refused({ roomname: 'x', whois: '' }), 'iq error not-acceptable')
  t.equal(await refused({ roomname: 'x', moderatedroom: 'maybe' }), 'iq error bad-request')
  t.equal(await refused({ roomname: 'x', historylength: '1000' }), 'iq error not-acceptable')
  t.equal(await refused({ roomname: 'x'.repeat(201) }), 'iq error not-acceptable')
  t.equal(await refused({ roomname: ['x', 'y'] }), 'iq error bad-request')
  await owner(romeo, 'set', '')
  await owner(romeo, 'set', `<x xmlns='jabber:x:data' type='form'/>`)
  await owner(
    romeo,
    'set',
    `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:other</value></field></x>`,
  )
  t.strictSame(romeo.hear(), ['iq error bad-request', 'iq error bad-request', 'iq error bad-request'])
  await owner(romeo, 'set', `<x xmlns='jabber:x:data' type='cancel'/>`)
  t.strictSame(romeo.hear(), ['iq result'])
  t.strictSame(juliet.hear(), [])
  t.match(await disco(romeo, 'info'), /name='room'/)
  t.equal(await refused({ publicroom: '1' }), 'iq result', 'a field that is not offered is ignored')
  t.match(await disco(romeo, 'info'), /muc_hidden/)

  t.equal(await refused({ roomsecret: 'x' }), 'iq result,message groupchat room [104]')
  t.match(await disco(romeo, 'info'), /muc_passwordprotected/)
  t.equal(await refused({ passwordprotectedroom: '0' }), 'iq result,message groupchat room [104]')
  t.equal(await refused({ passwordprotectedroom: '1' }), 'iq error not-acceptable', 'the old password is gone')
})

t.test('service discovery tells what a room is', async (t) => {
  const { world, romeo } = await stage()
  await using _ = world
  await romeo.configure({ roomname: 'A Dark Cave', roomdesc: 'for witches', publicroom: '1', lang: 'en' })
  await romeo.say(`<message to='${ROOM}' type='groupchat'><subject>spells</subject></message>`)
  const stranger = world.person('nurse@localhost/n')
  const info = await disco(stranger, 'info')
  for (const feature of [
    'http://jabber.org/protocol/muc',
    'http://jabber.org/protocol/muc#stable_id',
    'http://jabber.org/protocol/muc#self-ping-optimization',
    'urn:xmpp:occupant-id:0',
    'jabber:iq:register',
    'muc_public',
    'muc_open',
    'muc_unmoderated',
    'muc_unsecured',
    'muc_temporary',
    'muc_semianonymous',
  ]) {
    t.ok(info.includes(`<feature var='${feature}'/>`), feature)
  }
  t.match(info, /<identity category='conference' type='text' name='A Dark Cave'\/>/)
  const field = (name: string): string | undefined =>
    new RegExp(`var='${name}'[^>]*><value>([^<]*)</value>`).exec(info)?.[1]
  t.equal(field('muc#roominfo_description'), 'for witches')
  t.equal(field('muc#roominfo_occupants'), '2')
  t.equal(field('muc#roominfo_lang'), 'en')
  t.equal(field('muc#roominfo_subject'), 'spells')
  t.equal(field('muc#roominfo_subjectmod'), '0')
  t.equal(field('muc#maxhistoryfetch'), '20')
  t.equal(field('muc#roominfo_contactjid'), undefined, 'addresses are not for everybody')

  t.match(
    await disco(stranger, 'items'),
    /<query xmlns='http:\/\/jabber.org\/protocol\/disco#items'\/>/,
    'who is inside is private',
  )
  t.match(await disco(stranger, 'info', ROOM, 'urn:unknown'), /item-not-found/)
  t.match(await disco(stranger, 'info', ROOM, 'http://jabber.org/protocol/muc#traffic'), /service-unavailable/)
  await romeo.configure({ membersonly: '1' })
  t.notMatch(await disco(stranger, 'info'), /spells/, 'nor what is talked about inside (§14.4)')
})

t.test('the service lists public rooms, a page at a time', async (t) => {
  const { world, romeo } = await stage()
  await using _ = world
  for (const name of ['c', 'a', 'b', 'hidden']) {
    await romeo.join('Romeo', `${name}@${SERVICE}`)
    await romeo.configure(
      { publicroom: name === 'hidden' ? '0' : '1', roomname: name.toUpperCase() },
      `${name}@${SERVICE}`,
    )
  }
  const info = await disco(romeo, 'info', SERVICE)
  t.match(info, /<identity category='conference' type='text' name='Chatrooms'\/>/)
  t.match(info, /<feature var='http:\/\/jabber.org\/protocol\/muc#stable_id'\/>/)
  t.match(await disco(romeo, 'info', SERVICE, 'urn:unknown'), /item-not-found/)
  t.match(
    await disco(romeo, 'items', SERVICE),
    `<item jid='a@${SERVICE}' name='A'/><item jid='b@${SERVICE}' name='B'/><item jid='c@${SERVICE}' name='C'/></query>`,
  )
  const page = async (set: string): Promise<string> => {
    await romeo.say(
      `<iq to='${SERVICE}' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#items'><set xmlns='http://jabber.org/protocol/rsm'>${set}</set></query></iq>`,
    )
    return [...String(romeo.take()[0]).matchAll(/jid='(\w)@|<count>(\d)/g)]
      .map(([, node, count]) => node ?? count)
      .join('')
  }
  t.equal(await page('<max>2</max>'), 'ab3')
  t.equal(await page('<max>2</max><after>b</after>'), 'c3')
  t.equal(await page('<max>1</max><before/>'), 'c3')
  t.equal(await page('<max>0</max>'), '3')
  await romeo.configure({ publicroom: '0' }, `b@${SERVICE}`)
  romeo.take()
  t.equal(await page('<max>9</max>'), 'ac2')
})

t.test('the list of rooms may be for some only', async (t) => {
  const { world, romeo } = await stage('{ list_rooms: local }')
  await using _ = world
  await romeo.configure({ publicroom: '1' })
  t.match(await disco(romeo, 'items', SERVICE), /room@/)
  t.notMatch(await disco(world.person('far@away.example/x'), 'items', SERVICE), /room@/)
})

t.test('a room is destroyed, and its name rests if it was persistent', async (t) => {
  const { world, romeo, juliet } = await stage('{ admins: [admin@localhost], tombstone_expiry: 1 day }')
  await using _ = world
  await romeo.configure({ persistentroom: '1' })
  juliet.take()
  romeo.take()
  await owner(juliet, 'set', '<destroy/>')
  await owner(romeo, 'set', `<destroy jid='@'/>`)
  t.strictSame([...juliet.hear(), ...romeo.hear()], ['iq error forbidden', 'iq error jid-malformed'])
  await owner(romeo, 'set', `<destroy jid='new@${SERVICE}'><reason>moved</reason><password>x</password></destroy>`)
  const [gone] = juliet.take()
  t.match(
    String(gone),
    `<destroy jid='new@${SERVICE}'><reason>moved</reason><password>x</password></destroy><item affiliation='none' role='none' jid='juliet@localhost/j'/><status code='110'/>`,
  )
  t.equal(romeo.hear().at(-1), 'iq result')
  await juliet.join('Juliet')
  await juliet.speak('anybody?')
  const [refusal] = juliet.take()
  t.equal(refusal?.child('error')?.child('gone', 'urn:ietf:params:xml:ns:xmpp-stanzas')?.name, 'gone')
  t.match(String(refusal), />moved</)
  await world.person('admin@localhost/a').join('Admin')
  t.match(world.person('admin@localhost/a').hear()[0], /\[201 110\]/)

  await romeo.join('Romeo', `other@${SERVICE}`)
  await romeo.configure({}, `other@${SERVICE}`)
  await owner(romeo, 'set', '<destroy/>', `other@${SERVICE}`)
  await juliet.join('Juliet', `other@${SERVICE}`)
  t.match(juliet.hear().at(-2), /\[201 110\]/, 'of a temporary room, at once')

  await romeo.join('Romeo', `third@${SERVICE}`)
  await romeo.configure({ persistentroom: '1' }, `third@${SERVICE}`)
  await owner(romeo, 'set', '<destroy/>', `third@${SERVICE}`)
  world.clock.advance(25 * 3600 * 1000)
  await juliet.join('Juliet', `third@${SERVICE}`)
  t.match(juliet.hear().at(-2), /\[201 110\]/, 'after a while')
})

t.test('owners set an avatar', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  const image = Buffer.from('image').toString('base64')
  const card = (inside: string): string =>
    `<iq to='${ROOM}' type='set' id='v'><vCard xmlns='vcard-temp'>${inside}</vCard></iq>`
  await juliet.say(card(`<PHOTO><BINVAL>${image}</BINVAL></PHOTO>`))
  t.strictSame(juliet.hear(), ['iq error forbidden'])
  await romeo.say(card(`<PHOTO><TYPE>image/png</TYPE><BINVAL>${image}</BINVAL></PHOTO>`))
  t.strictSame(romeo.hear(), ['iq result', 'message groupchat room [104]', 'presence room'])
  const hash = '0e76292794888d4f1fa75fb3aff4ca27c58f56a6'
  t.match(String(juliet.take()[1]), `<x xmlns='vcard-temp:x:update'><photo>${hash}</photo></x>`)
  t.match(await disco(juliet, 'info'), `var='muc#roominfo_avatarhash' label='Avatar'><value>${hash}</value>`)
  await juliet.say(`<iq to='${ROOM}' type='get' id='v'><vCard xmlns='vcard-temp'/></iq>`)
  t.match(String(juliet.take()[0]), `<BINVAL>${image}</BINVAL>`)
  await romeo.say(card(''))
  t.notMatch(await disco(juliet, 'info'), /avatarhash/)
})

t.test('other modules add options, requests and warnings', async (t) => {
  const isLogged = roomOption<boolean>({
    key: 'logged',
    section: 'other',
    field: { type: 'boolean', var: 'muc#roomconfig_enablelogging', label: 'Log' },
    preset: option.boolean().default(false),
    initial: false,
    statuses: (on) => [on ? 170 : 171],
  })
  const log = defineModule({
    name: 'log',
    about: 'a module of this spec',
    on: ['muc'],
    depends: ['muc'],
    setup(host) {
      host.provide('room-option', isLogged)
      host.provide('room-request', { type: 'get', ns: 'urn:example', name: 'ping', answer: () => {} })
      host.on('muc/entering', ({ room, warnings }) => {
        if (room.get(isLogged)) warnings.push(170)
        return undefined
      })
    },
  })
  await using world = await MucWorld.open({ modules: [log] as unknown as readonly AnyModule[] })
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  await romeo.join('Romeo')
  await romeo.configure()
  romeo.take()
  await romeo.configure({ enablelogging: '1' })
  t.strictSame(romeo.hear(), ['iq result', 'message groupchat room [170]'])
  await juliet.join('Juliet')
  t.match(juliet.hear()[1], /\[170 110\]/)
  await juliet.say(`<iq to='${ROOM}' type='get' id='e'><ping xmlns='urn:example'/></iq>`)
  t.equal(juliet.hear().at(-1), 'iq result')
})
