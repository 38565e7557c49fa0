import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { accountsOf } from './accounts.ts'
import { startFakeServer } from './fake-server.ts'
import { parseScript } from './parse-script.ts'
import { runAll } from './repertoire.ts'
import { defaultRunOptions, type Outcome, runPlay, type RunOptions } from './runner.ts'

const cast = `# Two clients
[Client] Romeo
\tjid: romeo@localhost/orchard
\tpassword: secret
[Client] Juliet
\tjid: juliet@localhost/balcony
\tpassword: secret
-----
`
const firstLine = cast.split('\n').length
const impatient: Partial<RunOptions> = { timeoutSeconds: 0.1 }

const says = (body: string, who = 'Romeo', to = "Juliet's full JID"): string =>
  `${who} sends:\n\t<message to="\${${to}}"><body>${body}</body></message>\n`
const hears = (body: string, who = 'Juliet'): string => `${who} receives:\n\t<message><body>${body}</body></message>\n`
const both = 'Romeo connects\nJuliet connects\n'

async function act(actions: string, options: Partial<RunOptions> = {}, header = cast): Promise<Outcome> {
  const script = parseScript(header + actions, 'x.scs')
  const server = await startFakeServer(accountsOf(parseScript(cast, 'x.scs')))
  try {
    return await runPlay(script, server.connect, { ...defaultRunOptions, ...options })
  } finally {
    await server.close()
  }
}

async function passes(t: Test, name: string, actions: string, options: Partial<RunOptions> = {}): Promise<void> {
  for (const transport of ['tcp', 'websocket'] as const) {
    t.strictSame(await act(actions, { transport, ...options }), { passed: true }, `${name}, over ${transport}`)
  }
}

/** `line` counts from the first action. */
async function fails(
  t: Test,
  name: string,
  actions: string,
  line: number,
  problem: RegExp,
  options: Partial<RunOptions> = {},
): Promise<Extract<Outcome, { passed: false }>> {
  const outcome = await act(actions, { ...impatient, ...options })
  t.match(outcome, { passed: false, line: firstLine + line - 1, problem }, name)
  return outcome.passed ? { passed: false, line: 0, problem: '', report: [] } : outcome
}

t.test('plays that pass', async (t) => {
  await passes(t, 'nothing at all', '')
  await passes(t, 'a message', `${both}${says('Hello')}${hears('Hello')}Romeo disconnects\nJuliet disconnects\n`)
  await passes(t, 'clients that never leave', both)
  await passes(t, 'kept while others act', `${both}${says('a')}${says('b', 'Juliet', "Romeo's full JID")}${hears('a')}`)
  await passes(t, 'skipping what does not match', `${both}${says('a')}${says('b')}${hears('b')}`)
  await passes(t, 'leaving twice', 'Romeo connects\nRomeo disconnects\nRomeo disconnects\n')
  await passes(t, 'sending after the end', `${both}Romeo disconnects\n${says('a')}`)
  await passes(t, 'coming back', `Romeo connects\nRomeo disconnects\n${both}${says('a')}${hears('a')}`)
  await passes(
    t,
    'the JID of someone who has left',
    `${both}Romeo disconnects\n${says('a', 'Juliet', "Romeo's full JID")}`,
  )
  await passes(t, 'nothing received', `${both}${says('a')}${hears('a')}Juliet receives: nothing\n`)
  await passes(t, 'step by step', `Romeo opens\nRomeo authenticates\n${both}${says('a')}${hears('a')}`)
  await passes(t, 'a bad connection', `${both}Romeo drops\nRomeo connects\n${says('a')}${hears('a')}`)
  await passes(
    t,
    'captures',
    `${both}${says('a')}Juliet receives:\n\t<message from='{scansion:capture:who}'/>\n${says('b', 'Juliet', 'who')}${hears('b', 'Romeo')}`,
  )
  await passes(
    t,
    'features as any other element',
    `Romeo opens
Romeo receives:
	<features xmlns='http://etherx.jabber.org/streams'><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl' scansion:strict='no'/></features>
Romeo sends:
	<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHJvbWVvAGZvbw==</auth>
Romeo receives:
	<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>
Romeo connects
`,
  )
})

t.test('streams that end as expected', async (t) => {
  await passes(t, 'a stream error', `${both}${says('stream error')}Romeo receives stream error: conflict\n`)
  await passes(t, 'a closed stream', `${both}${says('close')}Romeo is disconnected\n`)
  await passes(
    t,
    'a closed stream, noticed late',
    `${both}${says('close')}${says('a', 'Juliet')}${hears('a')}Romeo is disconnected\n`,
  )
  await passes(
    t,
    'and a new one',
    `${both}${says('close')}Romeo is disconnected\nRomeo connects\n${says('a')}${hears('a')}`,
  )
  const raw = 'Romeo sends raw:\n\t</stream:stream>\n'
  t.strictSame(await act(`${both}${raw}Romeo is disconnected\n`), { passed: true }, 'raw')
})

t.test('plays that fail', async (t) => {
  const wrong = await fails(t, 'something else comes', `${both}${says('a')}${hears('b')}`, 5, /did not come/)
  t.ok(wrong.report.includes('message/body has the text “a”, expected “b”'), 'says why')
  t.ok(
    wrong.report.some((line) => /^ +- +<body>b<\/body>$/.test(line)),
    'shows what was expected',
  )
  t.ok(
    wrong.report.some((line) => /^ +\+ +<body>a<\/body>$/.test(line)),
    'shows what came',
  )
  await fails(t, 'nothing comes', `${both}${hears('a')}`, 3, /did not come/)
  await fails(t, 'skipped is gone', `${both}${says('a')}${says('b')}${hears('b')}${hears('a')}`, 9, /did not come/)
  await fails(t, 'something comes', `${both}${says('a')}Juliet receives: nothing\n`, 5, /expected nothing/)
  const typed = "Romeo sends:\n\t<message type='chat' to=\"${Juliet's full JID}\"><body>a</body></message>\n"
  await passes(t, 'a type nobody named', `${both}${typed}${hears('a')}`)
  await fails(t, 'a type nobody named', `${both}${typed}${hears('a')}`, 5, /did not come/, { exactType: true })
  await fails(t, 'text nobody wrote', `${both}${says('a')}${hears('')}`, 5, /did not come/, { exactText: true })
  await fails(t, 'acting before connecting', says('a', 'Romeo', "Juliet's JID"), 1, /never connected/)
  await fails(t, 'a JID that is not known yet', `Romeo connects\n${says('a')}`, 2, /never connected/)
  await fails(
    t,
    'an old message after a new login',
    `${both}${says('a')}Juliet disconnects\nJuliet connects\n${hears('a')}`,
    7,
    /did not come/,
  )
  await fails(t, 'connecting twice', 'Romeo connects\nRomeo connects\n', 2, /is connected already/)
  await fails(t, 'a server without TLS', 'Romeo connects\n', 1, /does not offer STARTTLS/, { transport: 'starttls' })
  await fails(t, 'a server without an address', 'Romeo connects\n', 1, /no address for tls/, { transport: 'tls' })
})

t.test('streams that end otherwise', async (t) => {
  await fails(
    t,
    'a stream error',
    `${both}${says('stream error')}${hears('a')}`,
    5,
    /^Romeo: stream error: .*<conflict/,
  )
  await fails(
    t,
    'another stream error',
    `${both}${says('stream error')}Romeo receives stream error: reset\n`,
    5,
    /expected .* reset, but/,
  )
  await fails(t, 'a closed stream', `${both}${says('close')}${hears('a')}`, 5, /^Romeo: the server has closed/)
  await fails(t, 'a cut connection', `${both}${says('hang up')}Romeo is disconnected\n`, 5, /the stream was not closed/)
  await fails(t, 'malformed XML', `${both}${says('malformed')}${hears('a')}`, 5, /<\/message> where <body> is open/)
  await fails(t, 'a comment', `${both}${says('comment')}${hears('a')}`, 5, /comments and DTDs are forbidden/)
  await fails(t, 'invalid UTF-8', `${both}${says('latin1')}${hears('a')}`, 5, /not acceptable/)
  await fails(
    t,
    'before a new login',
    `${both}${says('close')}${says('a', 'Juliet')}Romeo connects\nRomeo is disconnected\n`,
    5,
    /Romeo: the server has closed/,
  )
  await fails(t, 'no end at all', `${both}Romeo is disconnected\n`, 3, /does not end the connection/)
})

t.test('logins that fail', async (t) => {
  const wrong = cast.replace('password: secret', 'password: wrong')
  t.strictSame(await act('Romeo cannot connect: not-authorized\nJuliet connects\n', impatient, wrong), { passed: true })
  t.match(await act('Romeo cannot connect: aborted\n', impatient, wrong), { passed: false, problem: /not-authorized/ })
  t.match(await act('Romeo connects\n', impatient, wrong), {
    passed: false,
    problem: /login has failed: not-authorized/,
  })
  await fails(t, 'no, it has not failed', 'Romeo cannot connect: not-authorized\n', 1, /has connected/)
  const script = parseScript(`${cast}Romeo connects\n`, 'x.scs')
  const nobody = { tcp: { host: '127.0.0.1', port: 1 }, webSocketUrl: 'ws://127.0.0.1:1/' }
  for (const transport of ['tcp', 'websocket'] as const) {
    const outcome = await runPlay(script, nobody, { ...defaultRunOptions, transport })
    t.match(outcome, { passed: false, problem: /ECONNREFUSED/ }, `nobody answers over ${transport}`)
  }
})

t.test('many plays: one line for each that has passed, more for each that has failed', async (t) => {
  const folder = t.testdir({
    'a.scs': `${cast}${both}${says('a')}${hears('a')}`,
    'b.scs': `${cast}${both}${says('a')}${hears('b')}`,
    'c.scs': `${cast}Romeo dances\n`,
  })
  const files = ['a', 'b', 'c', 'missing'].map((name) => join(folder, `${name}.scs`))
  const stage = {
    kind: 'own',
    storage: 'memory',
    start: (_: string, accounts: Parameters<typeof startFakeServer>[0]) => startFakeServer(accounts),
  } as const
  const printed: string[] = []
  const options = { ...defaultRunOptions, ...impatient }
  const failed = await runAll(
    files.map((file) => ({ file, stage, options })),
    3,
    (text) => printed.push(text),
  )
  t.equal(failed, 3)
  const [a = '', b = '', c = '', missing = ''] = files.map((file) => printed.find((text) => text.includes(file)))
  t.match(a, /^ok .*a\.scs \(memory, tcp\) [\d.]+ s$/)
  t.match(
    b,
    new RegExp(
      `^FAILED .*b\\.scs \\(memory, tcp\\) .*\n.*b\\.scs:${firstLine + 4}: Juliet receives: expected a stanza`,
    ),
  )
  t.match(c, new RegExp(`^FAILED .*\n.*c\\.scs:${firstLine}: unknown action: dances$`))
  t.match(missing, /^FAILED .*\n.*ENOENT/)
})

t.test('the command says how many have passed, and fails if one has failed', async (t) => {
  const server = await startFakeServer(accountsOf(parseScript(cast, 'x.scs')))
  t.teardown(() => server.close())
  const { tcp } = server.connect
  const against = tcp !== undefined && 'host' in tcp ? `${tcp.host}:${tcp.port}` : ''
  const folder = t.testdir({ 'good.scs': `${cast}${both}${says('a')}${hears('a')}` })
  t.match(await play('--against', against, folder), { code: 0, stdout: /^ok .*good\.scs[^]*\n1 passed, 0 failed\n$/ })
  writeFileSync(join(folder, 'wrong.scs'), `${cast}${both}${says('a')}${hears('b')}`)
  t.match(await play('--against', against, '--timeout', '0.1', folder), { code: 1, stdout: /\n1 passed, 1 failed\n$/ })
})

async function play(...args: readonly string[]): Promise<{ code: unknown; stdout: string }> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['scripts/play.ts', ...args])
    return { code: 0, stdout }
  } catch (error) {
    if (!(error instanceof Error) || !('stdout' in error && 'code' in error)) throw error
    return { code: error.code, stdout: String(error.stdout) }
  }
}
