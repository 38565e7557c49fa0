/** XEP-0045 §7.4–§7.5, §7.8, §7.13, §8.1, §17.4: what people in a room say to each other, and how the room answers. */
import t from 'tap'
import { MucWorld, type Person, ROOM } from '../../support/muc-world.ts'

const MUC_USER = 'http://jabber.org/protocol/muc#user'

/** A room that is configured, with Romeo as its owner and Juliet in it; nobody has anything in the inbox. */
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

t.test('a message goes to everybody, with its id and all that it carries', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  await juliet.say(
    `<message to='${ROOM}' type='groupchat' id='abc' xml:lang='it'><body>ciao</body><markable xmlns='urn:xmpp:chat-markers:0'/></message>`,
  )
  for (const person of [romeo, juliet]) {
    const [heard] = person.take()
    t.equal(heard?.id, 'abc')
    t.equal(heard?.from, `${ROOM}/Juliet`)
    t.equal(heard?.to, person.jid.full)
    t.equal(heard?.lang, 'it')
    t.ok(heard?.has('markable', 'urn:xmpp:chat-markers:0'))
  }
  await juliet.say(`<message to='${ROOM}' type='groupchat'><body>without id</body></message>`)
  const [mine] = juliet.take()
  const [theirs] = romeo.take()
  t.ok(mine?.id)
  t.equal(mine?.id, theirs?.id, 'the room gives one id for all (§7.4)')
})

t.test('only those inside who have voice are heard', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  const stranger = world.person('tybalt@localhost/t')
  await stranger.speak('let me in')
  t.strictSame(stranger.hear(), ['message error not-acceptable'])
  await romeo.administer(`<item nick='Juliet' role='visitor'/>`)
  juliet.take()
  romeo.take()
  await juliet.speak('hello')
  t.strictSame(juliet.hear(), ['message error forbidden'])
  await juliet.say(`<message to='${ROOM}' type='chat'><body>hello</body></message>`)
  t.strictSame(juliet.hear(), ['message error bad-request'], 'messages to a room are of type groupchat')
  t.strictSame(romeo.hear(), [])
  await stranger.say(`<message to='nowhere@conference.localhost' type='groupchat'><body>x</body></message>`)
  t.strictSame(stranger.hear(), ['message error item-not-found'])
  await stranger.say(`<message to='conference.localhost' type='groupchat'><body>x</body></message>`)
  t.strictSame(stranger.hear(), ['message error service-unavailable'])
})

t.test('the subject is for moderators, or for those whom the owner lets', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  const change = (text: string, inside = ''): string =>
    `<message to='${ROOM}' type='groupchat' id='s1' xml:lang='en'><subject>${text}</subject>${inside}</message>`
  await juliet.say(change('balconies'))
  t.strictSame(juliet.hear(), ['message error forbidden'])
  await romeo.say(change('gardens', `<x xmlns='urn:example'/>`))
  const [told] = juliet.take()
  t.equal(told?.childText('subject'), 'gardens')
  t.equal(told?.id, 's1')
  t.equal(told?.lang, 'en')
  t.ok(told?.has('x', 'urn:example'))
  romeo.take()
  await romeo.say(change('gardens'))
  t.strictSame(juliet.hear(), [], 'it is the same')
  await juliet.say(change('a subject with a body', '<body>text</body>'))
  await juliet.say(change('a subject with a thread', '<thread>1</thread>'))
  t.equal(juliet.take().length, 2, 'no changes of the subject (§8.1)')
  await romeo.configure({ changesubject: '1' })
  juliet.take()
  await juliet.say(change('balconies'))
  t.strictSame(juliet.hear(), ['message groupchat room/Juliet subject "balconies"'])

  const late = world.person('nurse@localhost/n')
  world.clock.advance(60_000)
  await late.join('Nurse')
  const subject = late.take().at(-1)
  t.equal(subject?.childText('subject'), 'balconies')
  t.equal(subject?.from, `${ROOM}/Juliet`)
  t.equal(subject?.child('delay', 'urn:xmpp:delay')?.attrs['from'], ROOM)
  t.equal(subject?.child('delay', 'urn:xmpp:delay')?.attrs['stamp'], '2026-01-01T00:00:00.000Z')
  await juliet.say(change(''))
  await late.join('Nurse')
  t.equal(late.take().at(-1)?.childText('subject'), '', 'it was taken away')
})

t.test('who comes later hears the last messages, as many as asked for', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  await romeo.configure({ historylength: '5', defaulthistorymessages: '3' })
  for (let i = 1; i <= 8; i++) {
    world.clock.advance(10_000)
    await juliet.speak(`m${i}`)
  }
  await juliet.say(
    `<message to='${ROOM}' type='groupchat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
  )
  await juliet.say(
    `<message to='${ROOM}' type='groupchat'><body>gone</body><no-store xmlns='urn:xmpp:hints'/></message>`,
  )
  const asks = async (attributes: string): Promise<readonly string[]> => {
    const late = world.person('nurse@localhost/n')
    await late.join('Nurse', ROOM, attributes === '' ? '' : `<history ${attributes}/>`)
    return late
      .take()
      .filter((stanza) => stanza.has('delay', 'urn:xmpp:delay'))
      .map((stanza) => stanza.childText('body') ?? '')
  }
  t.strictSame(await asks(''), ['m6', 'm7', 'm8'])
  t.strictSame(await asks(`maxstanzas='2'`), ['m7', 'm8'])
  t.strictSame(await asks(`maxstanzas='100'`), ['m4', 'm5', 'm6', 'm7', 'm8'])
  t.strictSame(await asks(`maxstanzas='0'`), [])
  t.strictSame(await asks(`maxchars='0'`), [])
  t.strictSame(await asks(`seconds='25'`), ['m6', 'm7', 'm8'])
  t.strictSame(await asks(`since='2026-01-01T00:01:10Z'`), ['m7', 'm8'])
  t.strictSame(await asks(`since='1970-01-01T00:00:00Z' maxstanzas='1'`), ['m8'])
  t.strictSame(await asks(`seconds='lots' maxstanzas='-1'`), ['m6', 'm7', 'm8'], 'what is no number does not count')
  const some = await asks(`maxchars='700'`)
  t.ok(some.length > 0 && some.length < 5, 'complete stanzas, counted with all that they carry')
  const late = world.person('nurse@localhost/n')
  await late.join('Nurse')
  const first = late.take().find((stanza) => stanza.has('delay', 'urn:xmpp:delay'))
  t.equal(first?.from, `${ROOM}/Juliet`)
  t.equal(first?.child('delay', 'urn:xmpp:delay')?.attrs['from'], ROOM)
  t.ok(first?.has('occupant-id', 'urn:xmpp:occupant-id:0'))
})

t.test('private messages reach all clients of one occupant, if the owner lets', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  const phone = world.person('juliet@localhost/phone')
  const tybalt = world.person('tybalt@localhost/t')
  await phone.join('Juliet')
  await tybalt.join('Tybalt')
  for (const person of [romeo, juliet, phone, tybalt]) person.take()
  await tybalt.say(`<message to='${ROOM}/Juliet' type='chat' id='p'><body>psst</body></message>`)
  for (const person of [juliet, phone]) {
    const [heard] = person.take()
    t.equal(heard?.from, `${ROOM}/Tybalt`)
    t.ok(heard?.has('x', MUC_USER))
    t.ok(heard?.has('occupant-id', 'urn:xmpp:occupant-id:0'))
  }
  t.strictSame(romeo.hear(), [])
  await tybalt.say(`<message to='${ROOM}/Nobody' type='chat'><body>psst</body></message>`)
  await tybalt.say(`<message to='${ROOM}/Juliet' type='groupchat'><body>psst</body></message>`)
  t.strictSame(tybalt.hear(), ['message error item-not-found', 'message error bad-request'])
  const stranger = world.person('nurse@localhost/n')
  await stranger.say(`<message to='${ROOM}/Juliet' type='chat'><body>psst</body></message>`)
  t.strictSame(stranger.hear(), ['message error not-acceptable'])

  // Who may write, by the option: a participant and a moderator try.
  const may = async (value: string, more = {}): Promise<string> => {
    await romeo.configure({ allowpm: value, '{xmpp:prosody.im}muc#allow_modpm': '0', ...more })
    for (const person of [romeo, juliet, phone, tybalt]) person.take()
    await tybalt.say(`<message to='${ROOM}/Juliet' type='chat'><body>x</body></message>`)
    await tybalt.say(`<message to='${ROOM}/Romeo' type='chat'><body>x</body></message>`)
    await romeo.say(`<message to='${ROOM}/Juliet' type='chat'><body>x</body></message>`)
    return `${juliet.take().length} ${romeo.take().length} ${tybalt.hear().filter((line) => line.includes('policy-violation')).length}`
  }
  t.equal(await may('anyone'), '2 1 0')
  t.equal(await may('participants'), '2 1 0')
  t.equal(await may('moderators'), '1 0 2')
  t.equal(await may('members'), '1 0 2')
  t.equal(await may('none'), '0 1 2', 'Romeo is refused as well')
  t.equal(await may('none', { '{xmpp:prosody.im}muc#allow_modpm': '1' }), '1 1 1')
  t.equal(await may('visitor'), '2 1 0', 'as Prosody calls it')
})

t.test('invitations go through the room', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  const nurse = world.person('nurse@localhost')
  const invite = (to: string, inside = ''): string =>
    `<message to='${ROOM}' id='i'><x xmlns='${MUC_USER}'><invite to='${to}'>${inside}</invite></x></message>`
  await juliet.say(invite('nurse@localhost', `<reason>come</reason><continue thread='t1'/>`))
  const [invitation] = nurse.take()
  t.equal(invitation?.from, ROOM)
  t.equal(invitation?.type, undefined)
  const sent = invitation?.child('x', MUC_USER)?.child('invite')
  t.equal(sent?.attrs['from'], `${ROOM}/Juliet`, 'by nickname in a semi-anonymous room')
  t.equal(sent?.child('reason')?.getText(), 'come')
  t.equal(sent?.child('continue')?.attrs['thread'], 't1')
  t.equal(invitation?.child('x', 'jabber:x:conference')?.attrs['jid'], ROOM)
  t.match(invitation?.childText('body'), /invited you/)
  t.strictSame(juliet.hear(), [])

  await nurse.say(
    `<message to='${ROOM}'><x xmlns='${MUC_USER}'><decline to='${ROOM}/Juliet'><reason>too old</reason></decline></x></message>`,
  )
  const [declined] = juliet.take()
  t.equal(declined?.child('x', MUC_USER)?.child('decline')?.attrs['from'], 'nurse@localhost')
  t.equal(declined?.child('x', MUC_USER)?.child('decline')?.child('reason')?.getText(), 'too old')
  await nurse.say(`<message to='${ROOM}'><x xmlns='${MUC_USER}'><decline to='victim@localhost'/></x></message>`)
  await nurse.say(`<message to='${ROOM}'><x xmlns='${MUC_USER}'><decline to='${ROOM}/Nobody'/></x></message>`)
  t.strictSame(world.person('victim@localhost').hear(), [], 'no mail to strangers')
  t.strictSame(nurse.hear(), [], 'nor does one learn who is in the room')

  await juliet.say(invite('@@'))
  await juliet.say(`<message to='${ROOM}'><x xmlns='${MUC_USER}'><invite/></x></message>`)
  await nurse.say(invite('victim@localhost'))
  t.strictSame(juliet.hear(), ['message error jid-malformed', 'message error bad-request'])
  t.strictSame(nurse.hear(), ['message error not-acceptable'], 'not in the room')
  await juliet.say(
    `<message to='${ROOM}'><x xmlns='${MUC_USER}'><invite to='nurse@localhost'/><invite to='peter@localhost'/></x></message>`,
  )
  t.equal(nurse.take().length, 1)

  await romeo.administer(`<item affiliation='member' jid='juliet@localhost'/>`)
  await romeo.configure({ membersonly: '1', roomsecret: 'x' })
  juliet.take()
  romeo.take()
  await juliet.say(invite('nurse@localhost'))
  t.strictSame(juliet.hear(), ['message error forbidden'], 'members may not (§9.5)')
  await romeo.configure({ allowinvites: '1' })
  juliet.take()
  romeo.take()
  await juliet.say(invite('nurse@localhost'))
  const [withPassword] = nurse.take()
  t.equal(withPassword?.child('x', MUC_USER)?.child('password')?.getText(), 'x')
  t.strictSame(romeo.hear(), ['message room member jid=nurse@localhost'], 'the invited has become a member')
  await romeo.administer(`<item affiliation='outcast' jid='nurse@localhost'/>`)
  romeo.take()
  await romeo.say(invite('nurse@localhost'))
  t.strictSame(romeo.hear(), ['message error not-allowed'])
})

t.test('visitors ask for voice, and moderators grant it', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  await romeo.configure({ moderatedroom: '1' })
  const nurse = world.person('nurse@localhost/n')
  await nurse.join('Nurse')
  for (const person of [romeo, juliet, nurse]) person.take()
  const form = (fields: Record<string, string>): string =>
    `<message to='${ROOM}'><x xmlns='jabber:x:data' type='submit'>${Object.entries({
      FORM_TYPE: 'http://jabber.org/protocol/muc#request',
      ...fields,
    })
      .map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
      .join('')}</x></message>`
  await nurse.say(form({ 'muc#role': 'moderator' }))
  const [request] = romeo.take()
  t.strictSame(juliet.hear(), [], 'for moderators only')
  const asked = request?.child('x', 'jabber:x:data')?.toString() ?? ''
  t.match(asked, /nurse@localhost\/n/)
  t.match(asked, /<field type='boolean' var='muc#request_allow'/)
  await nurse.say(form({ 'muc#role': 'participant' }))
  t.strictSame(nurse.hear(), ['message error resource-constraint'], 'too soon')
  await juliet.say(form({ 'muc#role': 'participant' }))
  t.strictSame(juliet.hear(), ['message error not-allowed'], 'who has voice needs not ask')
  await juliet.say(form({ 'muc#request_allow': 'true', 'muc#roomnick': 'Nurse' }))
  t.strictSame(juliet.hear(), ['message error forbidden'])
  await romeo.say(form({ 'muc#request_allow': '0', 'muc#roomnick': 'Nurse' }))
  t.strictSame(nurse.hear(), [], 'denial is silent')
  await romeo.say(form({ 'muc#request_allow': 'true', 'muc#roomnick': 'Nurse', 'muc#role': 'moderator' }))
  t.match(nurse.hear(), ['presence room/Nurse [110] none/participant jid=nurse@localhost/n'])
})

t.test('requests between occupants tell nobody who the other is', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  await juliet.say(`<iq to='${ROOM}/Romeo' type='get' id='v1'><query xmlns='jabber:iq:version'/></iq>`)
  const [passed] = romeo.take()
  t.equal(passed?.from, `${ROOM}/Juliet`)
  t.not(passed?.id, 'v1')
  t.notMatch(String(passed), /juliet@localhost/)
  await romeo.say(
    `<iq to='${ROOM}/Juliet' type='result' id='${passed?.id}'><query xmlns='jabber:iq:version'><name>X</name></query></iq>`,
  )
  await world.settled()
  const [answer] = juliet.take()
  t.equal(answer?.id, 'v1')
  t.equal(answer?.from, `${ROOM}/Romeo`)
  t.equal(answer?.child('query', 'jabber:iq:version')?.child('name')?.getText(), 'X')
  t.notMatch(String(answer), /romeo@localhost/)

  // A card is with the account.
  const account = world.person('romeo@localhost')
  await juliet.say(`<iq to='${ROOM}/Romeo' type='get' id='v2'><vCard xmlns='vcard-temp'/></iq>`)
  const [card] = account.take()
  await account.say(
    `<iq to='${ROOM}/Juliet' type='error' id='${card?.id}'><error type='cancel' by='romeo@localhost'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
  )
  await world.settled()
  const [refused] = juliet.take()
  t.equal(refused?.type, 'error')
  t.notMatch(String(refused), /romeo@localhost/)

  const ping = (nick: string): string => `<iq to='${ROOM}/${nick}' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>`
  await juliet.say(ping('Juliet'))
  t.strictSame(juliet.hear(), ['iq result'], 'the room answers (XEP-0410)')
  await juliet.say(ping('Nobody'))
  t.strictSame(juliet.hear(), ['iq error item-not-found'])
  const stranger = world.person('nurse@localhost/n')
  await stranger.say(ping('Juliet'))
  await stranger.say(
    `<iq to='${ROOM}/Juliet' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
  )
  await stranger.say(`<iq to='${ROOM}' type='get' id='u'><query xmlns='urn:example:unknown'/></iq>`)
  await stranger.say(`<iq to='${ROOM}/Juliet' type='result' id='forged'/>`)
  t.strictSame(stranger.hear(), ['iq error not-acceptable', 'iq error bad-request', 'iq error service-unavailable'])
  t.strictSame(world.complaints, [])
})

t.test('probes are answered to those inside', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  await romeo.configure({ presencebroadcast: ['participant'] })
  await romeo.administer(`<item affiliation='member' jid='nurse@localhost' nick='Nurse'/>`)
  juliet.take()
  const probe = (nick: string): string => `<presence to='${ROOM}/${nick}' type='probe'/>`
  await juliet.say(probe('Romeo'))
  await juliet.say(probe('Juliet'))
  await juliet.say(probe('Nurse'))
  await juliet.say(probe('Nobody'))
  t.strictSame(juliet.hear(), [
    'presence room/Romeo owner/moderator',
    'presence room/Juliet [110] none/participant jid=juliet@localhost/j',
    'presence unavailable room/Nurse member/none nick=Nurse',
    'presence error item-not-found',
  ])
  await world.person('tybalt@localhost/t').say(probe('Romeo'))
  t.strictSame(world.person('tybalt@localhost/t').hear(), ['presence error not-acceptable'])
})
