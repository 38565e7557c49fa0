/** What the server has said to be done is done, even if it is killed at once. */
import t, { type Test } from 'tap'
import { Client } from './play/client.ts'
import type { ServerAddress } from './play/connection.ts'
import { parseScript } from './play/parse-script.ts'
import { defaultRunOptions, runPlay } from './play/runner.ts'
import { childOf, elementsOf, type XmlNode } from './play/xml-node.ts'
import { type ChildServer, childServer } from './support/child-server.ts'
import { withPostgres } from './support/postgres.ts'

const ROSTER = 'jabber:iq:roster'

const CAST = `
[Client] Romeo
	jid: romeo@localhost/orchard
	password: password
[Client] Changed
	jid: romeo@localhost/orchard
	password: another
[Client] Juliet
	jid: juliet@localhost/balcony
	password: password
-----
`

const REGISTERED = `
Romeo opens
Romeo sends:
	<iq type='set' id='r1'><query xmlns='jabber:iq:register'><username>romeo</username><password>password</password></query></iq>
Romeo receives:
	<iq type='result' id='r1'/>
Juliet opens
Juliet sends:
	<iq type='set' id='r1'><query xmlns='jabber:iq:register'><username>juliet</username><password>password</password></query></iq>
Juliet receives:
	<iq type='result' id='r1'/>
`

const DONE = `
Romeo connects
Romeo sends:
	<iq type='get' id='r1'><query xmlns='jabber:iq:roster'/></iq>
Romeo sends:
	<message to="\${Juliet's JID}" id='m1' type='chat'><body>For later</body></message>
Romeo sends:
	<presence to="\${Juliet's JID}" type='subscribe'><status>Let me see you</status></presence>
Romeo receives:
	<iq type='set'><query xmlns='jabber:iq:roster' ver='1'><item jid="\${Juliet's JID}" subscription='none' ask='subscribe'/></query></iq>
Romeo sends:
	<iq type='set' id='r2'><query xmlns='jabber:iq:roster'><item jid='nurse@localhost' name='Angelica'><group>Servants</group></item></query></iq>
Romeo receives:
	<iq type='result' id='r2'/>
Romeo sends:
	<iq type='set' id='r3'><query xmlns='jabber:iq:private'><prefs xmlns='urn:example:prefs'>dark</prefs></query></iq>
Romeo receives:
	<iq type='result' id='r3'/>
Romeo sends:
	<iq type='set' id='r4'><vCard xmlns='vcard-temp'><FN>Romeo</FN><N><FAMILY/><GIVEN>Romeo</GIVEN><MIDDLE/><PREFIX/><SUFFIX/></N></vCard></iq>
Romeo receives:
	<iq type='result' id='r4'/>
Romeo sends:
	<iq type='set' id='r5'><query xmlns='jabber:iq:register'><username>romeo</username><password>another</password></query></iq>
Romeo receives:
	<iq type='result' id='r5'/>
`

const STILL_THERE = `
Romeo cannot connect: not-authorized
Changed connects
Changed sends:
	<iq type='get' id='r1'><query xmlns='jabber:iq:roster'/></iq>
Changed receives:
	<iq type='result' id='r1'>
		<query xmlns='jabber:iq:roster' ver='2'>
			<item jid="\${Juliet's JID}" subscription='none' ask='subscribe'/>
			<item jid='nurse@localhost' name='Angelica' subscription='none'><group>Servants</group></item>
		</query>
	</iq>
Changed sends:
	<iq type='get' id='r2'><query xmlns='jabber:iq:private'><prefs xmlns='urn:example:prefs'/></query></iq>
Changed receives:
	<iq type='result' id='r2'><query xmlns='jabber:iq:private'><prefs xmlns='urn:example:prefs'>dark</prefs></query></iq>
Changed sends:
	<iq type='get' id='r3'><vCard xmlns='vcard-temp'/></iq>
Changed receives:
	<iq type='result' id='r3'><vCard xmlns='vcard-temp'><FN>Romeo</FN><N><FAMILY/><GIVEN>Romeo</GIVEN><MIDDLE/><PREFIX/><SUFFIX/></N></vCard></iq>
Juliet connects
Juliet sends:
	<presence/>
Juliet receives:
	<presence from="\${Romeo's JID}" type='subscribe'><status>Let me see you</status></presence>
Juliet receives:
	<message from="\${Romeo's JID}/orchard" id='m1' type='chat'><body>For later</body></message>
`

const REMOVED = `
Changed connects
Changed sends:
	<iq type='set' id='r1'><query xmlns='jabber:iq:register'><remove/></query></iq>
Changed receives:
	<iq type='result' id='r1'/>
Changed receives stream error: not-authorized
`

const GONE = `
Changed cannot connect: not-authorized
Romeo opens
Romeo sends:
	<iq type='set' id='r1'><query xmlns='jabber:iq:register'><username>romeo</username><password>password</password></query></iq>
Romeo receives:
	<iq type='result' id='r1'/>
Romeo connects
Romeo sends:
	<iq type='get' id='r2'><query xmlns='jabber:iq:roster'/></iq>
Romeo receives:
	<iq type='result' id='r2'><query xmlns='jabber:iq:roster' ver='1'/></iq>
Romeo sends:
	<iq type='get' id='r3'><vCard xmlns='vcard-temp'/></iq>
Romeo receives:
	<iq type='error' id='r3'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
`

async function act(t: Test, address: ServerAddress, what: string, actions: string): Promise<void> {
  const script = parseScript(`# ${what}\n${CAST}${actions}`, what)
  const outcome = await runPlay(script, address, { ...defaultRunOptions, exactType: true, exactText: true })
  t.strictSame(outcome, { passed: true }, what)
}

async function crashes(t: Test, config: string): Promise<void> {
  await using server = await childServer(
    `${config}\nmodules: { register: { open: true, per_hour: 100 }, tombstones: false, mam: false }`,
  )
  const { address } = server
  const between = async (what: string, actions: string): Promise<void> => {
    await server.start()
    await act(t, address, what, actions)
    await server.kill()
  }
  await between('two people register', REGISTERED)
  await between('they do something', DONE)
  await between('it has been done', STILL_THERE)
  await between('one of them goes', REMOVED)
  await between('nothing is left', GONE)
  await addUntilKilled(t, server)
}

/** Adds contacts as fast as the server takes them, until it is killed; afterwards all that it has acknowledged are there. */
async function addUntilKilled(t: Test, server: ChildServer): Promise<void> {
  await server.start()
  const romeo = await login(server.address)
  for (let n = 0; n < 300; n++) {
    romeo.send(`<iq type='set' id='${n}'><query xmlns='${ROSTER}'><item jid='contact${n}@localhost'/></query></iq>`)
  }
  const acknowledged = new Set<string>()
  while (acknowledged.size < 100) acknowledged.add(idOf(await next(romeo)))
  await server.kill()
  // What has arrived until then counts as well.
  for (const stanza of romeo.takeAll()) acknowledged.add(idOf(stanza))
  romeo.drop()

  await server.start()
  const again = await login(server.address)
  again.send(`<iq type='get' id='r'><query xmlns='${ROSTER}'/></iq>`)
  const query = childOf(await next(again), 'query', ROSTER)
  const there = new Set(query === undefined ? [] : elementsOf(query).map(({ attributes }) => attributes.get('jid')))
  const lost = [...acknowledged].filter((n) => !there.has(`contact${n}@localhost`))
  t.strictSame(lost, [], `all of ${acknowledged.size} contacts are there`)
  t.equal(Number(query?.attributes.get('ver')), there.size, 'and as many changes have been counted')
  again.drop()
}

async function login(address: ServerAddress): Promise<Client> {
  const character = parseScript(`# login\n${CAST}`, 'login').characters.get('Romeo')
  if (character === undefined) throw new Error('there is no Romeo')
  const client = new Client(character, {
    address,
    transport: 'tcp',
    timeoutSeconds: defaultRunOptions.timeoutSeconds,
    certificate: {},
    onEnding() {},
  })
  await client.connect()
  return client
}

async function next(client: Client): Promise<XmlNode> {
  const stanza = await client.next(performance.now() + defaultRunOptions.timeoutSeconds * 1000)
  if (stanza === undefined) throw new Error('nothing came')
  return stanza
}

function idOf({ attributes }: XmlNode): string {
  return attributes.get('id') ?? ''
}

t.setTimeout(120_000)
t.test('in SQLite', (t) => crashes(t, 'storage: { driver: sqlite }'))
t.test('in PostgreSQL', (t) =>
  withPostgres((url) => crashes(t, `storage: { driver: postgres, url: ${JSON.stringify(url)} }`)),
)
