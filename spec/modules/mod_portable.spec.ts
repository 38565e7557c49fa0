/** XEP-0227: accounts as files. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Jid } from '../../server/jid/jid.ts'
import { archive } from '../../storage/store.ts'
import { AccountWorld } from '../support/account-world.ts'

const folder = await mkdtemp(join(tmpdir(), 'madrigal-portable-'))
t.teardown(() => rm(folder, { recursive: true }))
const modules = '{ tombstones: false }'
const jid = Jid.parse('romeo@localhost')

/** An account that has something of everything. */
async function furnish(world: AccountWorld): Promise<void> {
  await world.accounts.create('romeo', 'a rose')
  const romeo = await world.client('romeo@localhost/r')
  await romeo.ask(
    'set',
    `<query xmlns='jabber:iq:roster'><item jid='juliet@localhost' name='J &amp; co'><group>Verona</group></item></query>`,
  )
  await romeo.ask('set', `<block xmlns='urn:xmpp:blocking'><item jid='tybalt@x'/></block>`)
  await romeo.ask('set', `<vCard xmlns='vcard-temp'><FN>Romeo</FN></vCard>`)
  await romeo.ask('set', `<query xmlns='jabber:iq:private'><prefs xmlns='exodus:prefs'><nick>R</nick></prefs></query>`)
  await romeo.ask(
    'set',
    `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:bookmarks:1'><item id='verona@rooms'><conference xmlns='urn:xmpp:bookmarks:1' autojoin='true'/></item></publish></pubsub>`,
  )
  await romeo.ask(
    'set',
    `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='http://jabber.org/protocol/nick'><item id='current'><nick xmlns='http://jabber.org/protocol/nick'>Romy</nick></item></publish></pubsub>`,
  )
  for (let i = 0; i < 3; i++) {
    await romeo.say(`<message to='juliet@localhost' type='chat' id='m${i}'><body>&lt;${i}&gt;</body></message>`)
    await world.advance(61_000)
  }
  romeo.stream.close()
  await world.advance(1000)
}

const isSame = (line: string): string => line.replaceAll(/ id='[0-9a-v]{11}'/g, '').replaceAll(/ ver='[^']*'/g, '')

t.test('what is exported and imported is what was there', async (t) => {
  await using world = await AccountWorld.open({ modules })
  await furnish(world)
  const exported = await world.command('user export', { jid })
  const text = exported.join('\n')
  for (const part of [
    /<scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='SCRAM-SHA-256'>/,
    /<item jid='juliet@localhost' name='J &amp; co' subscription='none'><group>Verona<\/group>/,
    /<blocklist xmlns='urn:xmpp:blocking'><item jid='tybalt@x'\/><\/blocklist>/,
    /<vCard xmlns='vcard-temp'><FN>Romeo<\/FN>/,
    /<query xmlns='jabber:iq:private'><prefs xmlns='exodus:prefs'>/,
    /<configure node='urn:xmpp:bookmarks:1'>.*<field var='pubsub#access_model'><value>whitelist</,
    /<items node='http:\/\/jabber.org\/protocol\/nick'><item id='current'>/,
    /<result xmlns='urn:xmpp:mam:2' id='\w{11}'><forwarded .*<body>&lt;2&gt;<\/body>/,
  ]) {
    t.match(text, part)
  }

  const file = join(folder, 'romeo.xml')
  await writeFile(file, text)
  await using other = await AccountWorld.open({ modules })
  t.strictSame(await other.command('user import', { file }), [
    '1 accounts made',
    '3 kinds of keys',
    '1 contacts',
    '1 blocked addresses',
    '1 cards',
    '1 settings',
    '4 published items',
    '3 archived messages',
  ])
  const again = await other.command('user export', { jid })
  t.strictSame(again.map(isSame), exported.map(isSame))
  t.same((await other.accounts.get('romeo'))?.credentials, (await world.accounts.get('romeo'))?.credentials)
  t.strictSame(await other.command('user import', { file }), [
    'romeo@localhost: romeo@localhost exists already',
    '0 accounts made',
  ])
  t.strictSame([...world.complaints, ...other.complaints], [])
})

t.test('files of others are understood, and what cannot be is said', async (t) => {
  await using world = await AccountWorld.open({ modules })
  const file = join(folder, 'other.xml')
  await writeFile(
    file,
    `<?xml version="1.0"?>
<!-- made by > hand -->
<pie:server-data xmlns:pie='urn:xmpp:pie:0' xmlns:x="urn:x">
 <pie:host jid="localhost">
  <pie:user name="juliet" password="sekret">
   <query xmlns="jabber:iq:roster"><item jid="romeo@far.example" subscription="both"/><item jid="@@"/></query>
   <presence xmlns="jabber:client" type="subscribe" from="paris@x"><nick xmlns="http://jabber.org/protocol/nick">P</nick></presence>
   <blocklist xmlns="urn:xmpp:blocking"><item jid="${'j'.repeat(1000)}@${`${'x'.repeat(60)}.`.repeat(10)}example"/></blocklist>
   <x:flag>1</x:flag>
   <pie:offline-messages>
    <message xmlns="jabber:client" from="romeo@localhost/r" to="juliet@localhost" type="chat"><body>But soft</body><delay xmlns="urn:xmpp:delay" stamp="2020-01-01T00:00:00Z"/></message>
   </pie:offline-messages>
   <pie:archive><result xmlns="urn:xmpp:mam:2" id="1"><forwarded xmlns="urn:xmpp:forward:0"/></result></pie:archive>
  </pie:user>
  <pie:user name=""/>
 </pie:host>
 <pie:host jid="elsewhere"><pie:user name="paris"><vCard xmlns="vcard-temp"/></pie:user></pie:host>
</pie:server-data>`,
  )
  t.strictSame(await world.command('user import', { file }), [
    '@localhost is not of this host',
    'paris@elsewhere is not of this host',
    '1 accounts made',
    '2 contacts',
    '1 refused of the blocked addresses',
    '1 elements <flag/> of urn:x passed over',
    '1 waiting messages',
    '0 archived messages',
  ])
  const { waiting } = await world.storage.open('localhost', { waiting: archive('offline') })
  t.match(await waiting.find('juliet', { limit: 9 }), [{ with: 'romeo@localhost', stanza: /But soft/ }])
  const juliet = await world.client('juliet@localhost/j')
  t.match(String(await juliet.ask('get', `<query xmlns='jabber:iq:roster'/>`)), /subscription='both'/)
  t.strictSame(world.complaints, [])
})

t.test('a file that is none is refused in words', async (t) => {
  await using world = await AccountWorld.open({ modules })
  const file = join(folder, 'broken.xml')
  for (const text of [
    '<server-data xmlns="urn:xmpp:pie:0"><host jid="localhost">',
    '<server-data><host jid="localhost"><user name="a"><vCard></user></host></server-data>',
    '<!DOCTYPE x [<!ENTITY a "b">]><server-data/>',
    'hello',
    `<server-data>${'x'.repeat(200_000)}`,
  ]) {
    await writeFile(file, text)
    await t.rejects(world.command('user import', { file }), { name: 'CommandError' }, text.slice(0, 60))
  }
  await t.rejects(world.command('user import', { file: join(folder, 'nothing') }), { name: 'CommandError' })
  await t.rejects(world.command('user export', { jid: Jid.parse('nobody@localhost') }), { name: 'CommandError' })
})
