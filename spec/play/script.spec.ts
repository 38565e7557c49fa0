import t from 'tap'
import { accountsOf } from './accounts.ts'
import { readElement, readRaw } from './block.ts'
import { parseScript } from './parse-script.ts'
import type { Script } from './script.ts'

const cast = `# A title
# and a description
## tag: value

[Client] Bob
\tjid: bob@localhost/home
\tpassword: secret

# a comment
[Client] Bob's phone
    resource: phone
    jid: bob@localhost
    password: secret
    connect_host: xmpp.example
    connect_port: 15222
    transport: starttls
    mechanism: SCRAM-SHA-1
`

const parse = (actions: string, header: string = cast): Script => parseScript(`${header}\n-----\n${actions}`, 'x.scs')

/** Actions as `line name: verb`, with the text of their blocks. */
function outline({ actions }: Script): readonly string[] {
  return actions.map((action) => {
    const rest = 'block' in action ? ` ${action.block.line} ${JSON.stringify(action.block.text)}` : ''
    const condition = 'condition' in action ? ` ${action.condition}` : ''
    return `${action.line} ${action.character.name}: ${action.verb}${rest}${condition}`
  })
}

t.test('reads the cast', (t) => {
  const script = parse('')
  t.equal(script.title, 'A title')
  t.strictSame([...script.characters.keys()], ['Bob', "Bob's phone"])
  t.match(script.characters.get('Bob'), {
    node: 'bob',
    domain: 'localhost',
    resource: 'home',
    password: 'secret',
    line: 5,
  })
  t.match(script.characters.get("Bob's phone"), {
    resource: 'phone',
    host: 'xmpp.example',
    port: 15222,
    transport: 'starttls',
    mechanism: 'SCRAM-SHA-1',
  })
  t.end()
})

t.test('reads the configuration', (t) => {
  const tags = '## config: modules: { register: { open: true } }\n##config: admins: [ bob@localhost ]\n'
  t.equal(parse('').config, '')
  t.equal(parse('', `${tags}${cast}`).config, 'modules: { register: { open: true } }\nadmins: [ bob@localhost ]')
  t.end()
})

t.test('reads the actions', (t) => {
  const script = parse(
    `Bob connects
Bob's phone connects  \t

# comment
// comment
Bob sends:
\t<presence>
# comment inside
\t</presence>

Bob's phone receives
  <presence/>
-- Bob receives:
--\t<presence/>
------
Bob receives: nothing
Bob's phone disconnects
Bob sends raw:
\t<x>&\${Bob's JID}\\
\t \\xff
\t</x>
Bob receives stream error: not-well-formed
Bob cannot connect:not-authorized
Bob is disconnected
Bob opens
Bob authenticates
Bob drops`,
    cast,
  )
  t.strictSame(outline(script), [
    '20 Bob: connects',
    "21 Bob's phone: connects",
    '25 Bob: sends 26 "\\t<presence>\\n\\n\\t</presence>"',
    '30 Bob\'s phone: receives 31 "  <presence/>"',
    '35 Bob: receives nothing',
    "36 Bob's phone: disconnects",
    '37 Bob: sends raw 38 "\\t<x>&${Bob\'s JID}\\\\\\n\\t \\\\xff\\n\\t</x>"',
    '41 Bob: receives stream error not-well-formed',
    '42 Bob: cannot connect not-authorized',
    '43 Bob: is disconnected',
    '44 Bob: opens',
    '45 Bob: authenticates',
    '46 Bob: drops',
  ])
  const raw = script.actions.find(({ verb }) => verb === 'sends raw')
  t.strictSame(
    raw !== undefined && 'block' in raw && Buffer.from(readRaw(raw.block, () => 'b')).toString('latin1'),
    '<x>&b \u{ff}\n</x>',
  )
  t.strictSame(outline(parseScript(`${cast}---\r\nBob connects\r\n`, 'x.scs')), ['19 Bob: connects'], 'CR LF')
  t.end()
})

t.test('names the line of what is wrong', (t) => {
  const bob = 'Bob sends:\n\t'
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['Bob dances', cast, /^x\.scs:20: unknown action: dances/],
    ['Bob connects quickly', cast, /^x\.scs:20: unknown action/],
    ['\nBobby connects', cast, /^x\.scs:21: begins with no character/],
    ['Alice connects', cast, /^x\.scs:20: begins with no character/],
    ['\t<presence/>', cast, /^x\.scs:20: an indented line/],
    ['Bob sends:', cast, /^x\.scs:20: sends what\?/],
    ['Bob connects\n\t<presence/>', cast, /^x\.scs:20: nothing belongs below/],
    ['Bob cannot connect', cast, /^x\.scs:20: unknown action/],
    ['Bob cannot connect: <x/>', cast, /^x\.scs:20: cannot connect: expected the name of a condition/],
    [`${bob}text`, cast, /^x\.scs:21: text between elements/],
    [`${bob}<a>\n\n\t</b>`, cast, /^x\.scs:23: <\/b> where <a> is open/],
    [`${bob}<a>\${Alice's JID}</a>`, cast, /^x\.scs:21: \$\{Alice's JID\}: no such character/],
    [`${bob}<a>\${later}</a>`, cast, /^x\.scs:21: \$\{later\}: nothing was captured/],
    [`${bob}<a scansion:strict='true'/>`, cast, /^x\.scs:21: a sent stanza cannot have/],
    [`${bob}<stream:a/>`, cast, /^x\.scs:21: prefix stream is not declared/],
    ["Bob receives:\n\t<a scansion:strict='maybe'/>", cast, /^x\.scs:21: unknown: scansion:strict='maybe'/],
    ["Bob receives:\n\t<a scansion:loose='true'/>", cast, /^x\.scs:21: unknown: scansion:loose/],
    ["Bob receives:\n\t<a b='{scansion:some}'/>", cast, /^x\.scs:21: unknown: \{scansion:some\}/],
    ["Bob receives:\n\t<a b='x{scansion:any}'/>", cast, /^x\.scs:21: unknown/],
    ['', 'Bob', /^x\.scs:1: expected “\[Client\] Name”/],
    ['', '[Server] Bob', /^x\.scs:1: expected “\[Client\] Name”/],
    ['', '\tjid: a@b', /^x\.scs:1: a property of nobody/],
    ['', '[Client] Bob', /^x\.scs:1: Bob has no jid/],
    ['', '[Client] Bob\n\tjid: a@b@c', /^x\.scs:2: not a JID/],
    ['', '[Client] Bob\n\tjid', /^x\.scs:2: expected “property: value”/],
    ['', '[Client] Bob\n\tjid: a@b\n\tage: 5', /^x\.scs:3: unknown property age/],
    ['', '[Client] Bob\n\tjid: a@b\n\tjid: c@d', /^x\.scs:3: a second jid/],
    ['', '[Client] Bob\n\tjid: a@b\n\ttransport: pigeon', /^x\.scs:3: expected tcp, tls/],
    ['', '[Client] Bob\n\tjid: a@b\n\tconnect_port: http', /^x\.scs:3: expected a port number/],
    ['', '[Client] Bob\n\tjid: a@b\n[Client] Bob\n\tjid: c@d', /^x\.scs:3: a second Bob/],
    ['', '[Absent] Bob\n\tjid: a@b\n\tpassword: x', /^x\.scs:3: unknown property password/],
  ]
  for (const [actions, header, message] of cases) {
    t.throws(() => parse(actions, header), { name: 'ScriptError', message }, `${header.slice(-30)} / ${actions}`)
  }
  t.throws(() => parseScript(cast, 'x.scs'), { message: /no line of dashes/ })
  t.end()
})

t.test('fills in placeholders', (t) => {
  const block = {
    line: 1,
    text: `\t<a to='\${Juliet's phone's full JID}'>\${Bob's JID} \${x}</a>\n\t<b scansion:strict='x'/>`,
  }
  const { source } = readElement(block, (placeholder) =>
    placeholder.kind === 'capture' ? `<${placeholder.name}'` : `${placeholder.character}/${placeholder.kind}`,
  )
  t.equal(source, `<a to='Juliet&#39;s phone/full JID'>Bob/bare JID &#60;x&#39;</a>`, 'the second element is ignored')
  const commented = readElement({ line: 1, text: '<a><!-- <b>\n --><c/></a>' }, () => '')
  t.equal(commented.source, '<a>\n<c/></a>')
  t.end()
})

t.test('finds the accounts that a play needs', (t) => {
  const header = `${cast}[Client] Nobody\n\tjid: localhost\n\tmechanism: ANONYMOUS\n[Absent] Ghost\n\tjid: ghost@localhost\n`
  const script = parse(
    `Bob sends:
\t<iq to='nurse@localhost/x'>
\t\t<item jid="\${Ghost's JID}"/> someone@localhost, room@conference.localhost <a>ghost@localhost</a>
\t\t<item jid='NURSE@localhost' node='mailto:tybalt@localhost' x='y@localhost.example'/>
\t</iq>`,
    header,
  )
  t.strictSame(
    accountsOf(script).map(({ node, domain, password }) => `${node}@${domain} ${password}`),
    ['bob@localhost secret', 'nurse@localhost secret', 'someone@localhost secret', 'tybalt@localhost secret'],
  )
  t.end()
})
