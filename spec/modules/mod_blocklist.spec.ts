/** XEP-0191, XEP-0377: who is blocked, and who hears of it. */
import fc from 'fast-check'
import t from 'tap'
import { inOrder, isBlocked, listOf } from '../../modules/mod_blocklist/blocklist.ts'
import type { BlocklistService } from '../../modules/mod_blocklist/index.ts'
import type { Report } from '../../modules/mod_blocklist/reports.ts'
import { defineModule } from '../../server/host/module.ts'
import { Jid } from '../../server/jid/jid.ts'
import { AccountWorld, type Person } from '../support/account-world.ts'

const NS_BLOCKING = 'urn:xmpp:blocking'

const chat = (to: string, id: string): string => `<message to='${to}' type='chat' id='${id}'><body>Hi</body></message>`
const item = (jid: string, inside = ''): string => `<item jid='${jid}'>${inside}</item>`
const block = (person: Person, ...items: readonly string[]) =>
  person.ask('set', `<block xmlns='${NS_BLOCKING}'>${items.join('')}</block>`)
const unblock = (person: Person, ...items: readonly string[]) =>
  person.ask('set', `<unblock xmlns='${NS_BLOCKING}'>${items.join('')}</unblock>`)

async function blockedBy(person: Person): Promise<readonly (string | undefined)[]> {
  const answer = await person.ask('get', `<blocklist xmlns='${NS_BLOCKING}'/>`)
  return answer.childAt(0)?.elements.map(({ attrs }) => attrs['jid']) ?? []
}

/** The condition of an error, or the type of what is none. */
const outcome = (stanza: {
  child(name: string): { elements: readonly { name: string }[] } | undefined
  type: string | undefined
}) => stanza.child('error')?.elements[0]?.name ?? stanza.type

t.test('an address is blocked by itself, with all its resources, or with its domain', async (t) => {
  const address = fc.constantFrom('a@x/1', 'a@x/2', 'a@x', 'b@x', 'x', 'x/1', 'a@y/1', 'y')
  fc.assert(
    fc.property(fc.uniqueArray(address), address, (blocked, text) => {
      const jid = Jid.parse(text)
      // XEP-0191 §6, one rule after another.
      const expected = blocked
        .map((entry) => Jid.parse(entry))
        .some((entry) => {
          if (entry.resource !== undefined) return entry.full === jid.full
          if (entry.node !== undefined) return entry.bare === jid.bare
          return entry.domain === jid.domain
        })
      return isBlocked(listOf(blocked.map((entry) => Jid.parse(entry))), jid) === expected
    }),
  )
  t.strictSame(
    inOrder(
      new Map([
        ['b@x', { since: 2 }],
        ['c@x', { since: 3 }],
        ['a@x', { since: 1 }],
      ]),
    ),
    ['a@x', 'b@x', 'c@x'],
  )
})

t.test('a list has an end, and addresses that can be stored', async (t) => {
  await using world = await AccountWorld.open({ modules: '{ blocklist: { max_items: 3 } }' })
  const juliet = await world.client('juliet@localhost/j')
  t.equal(outcome(await block(juliet, item('c@x'), item('C@x'), item('a@x'))), 'result')
  world.clock.advance(1000)
  t.equal(outcome(await block(juliet, item('b@x'), item('d@x'))), 'resource-constraint')
  t.equal(outcome(await block(juliet, item('c@x'), item('b@x'))), 'result', 'who is blocked already does not count')
  t.equal(outcome(await block(juliet, item(`a@x/${'r'.repeat(1023)}`))), 'resource-constraint')
  await unblock(juliet, item('c@x'))
  const long = `${'n'.repeat(1000)}@x/${'r'.repeat(1000)}`
  t.equal(outcome(await block(juliet, item(long))), 'not-acceptable')
  t.strictSame(await blockedBy(juliet), ['a@x', 'b@x'])
  await juliet.leave()
  const again = await world.client('juliet@localhost/j')
  t.strictSame(await blockedBy(again), ['a@x', 'b@x'])
  await unblock(again)
  t.strictSame(await blockedBy(again), [])
  t.strictSame(world.complaints, [])
})

t.test('two clients that block at once both succeed', async (t) => {
  await using world = await AccountWorld.open()
  const desk = await world.client('juliet@localhost/desk')
  const phone = await world.client('juliet@localhost/phone')
  await Promise.all([block(desk, item('a@x')), block(phone, item('b@x')), unblock(desk, item('c@x'))])
  t.strictSame(new Set(await blockedBy(phone)), new Set(['a@x', 'b@x']))
})

t.test('whoever is blocked hears of it only if the admin wants', async (t) => {
  for (const bounced of [false, true]) {
    await using world = await AccountWorld.open({ modules: `{ blocklist: { bounce_messages: ${bounced} } }` })
    const juliet = await world.client('juliet@localhost/j')
    const romeo = await world.client('romeo@localhost/r')
    await block(juliet, item('romeo@localhost'))
    await romeo.say(chat('juliet@localhost', 'm1'))
    t.strictSame(romeo.take().map(outcome), bounced ? ['service-unavailable'] : [])
    await romeo.say(`<message to='juliet@localhost/j' type='error' id='m2'><error type='cancel'/></message>`)
    await romeo.say(`<iq to='juliet@localhost/j' type='result' id='q1'/>`)
    await romeo.say(`<presence to='juliet@localhost' type='subscribe'/>`)
    await romeo.say(`<presence to='juliet@localhost/j'/>`)
    t.strictSame(
      romeo.take().filter(({ name }) => name !== 'iq'),
      [],
      'nothing else is answered',
    )
    t.strictSame(juliet.take(), [])
    await juliet.leave()
    await romeo.say(chat('juliet@localhost', 'm3'))
    t.strictSame(romeo.take().map(outcome), bounced ? ['service-unavailable'] : [], 'nor when nobody is there')
    const again = await world.client('juliet@localhost/j')
    t.strictSame(again.take(), [])
    t.strictSame(world.complaints, [])
  }
})

t.test('a request that waits is forgotten, and not shown at the next login', async (t) => {
  await using world = await AccountWorld.open()
  const juliet = await world.client('juliet@localhost/j')
  const tybalt = await world.client('tybalt@localhost/t')
  const nurse = await world.client('nurse@localhost/n')
  for (const person of [tybalt, nurse]) await person.say(`<presence to='juliet@localhost' type='subscribe'/>`)
  await block(juliet, item('tybalt@localhost'))
  await juliet.leave()
  const again = await world.client('juliet@localhost/j', { silent: true })
  await again.say('<presence/>')
  const asking = again.take().filter(({ type }) => type === 'subscribe')
  t.strictSame(
    asking.map(({ from }) => from),
    ['nurse@localhost'],
  )
})

t.test('contacts in a domain that is blocked see the account go and come', async (t) => {
  await using world = await AccountWorld.open()
  const juliet = await world.client('juliet@localhost/j')
  const romeo = await world.client('romeo@localhost/r')
  await romeo.say(`<presence to='juliet@localhost' type='subscribe'/>`)
  await juliet.say(`<presence to='romeo@localhost' type='subscribed'/>`)
  romeo.take()
  await block(juliet, item('localhost'))
  t.match(romeo.take(), [{ name: 'presence', type: 'unavailable', from: 'juliet@localhost/j' }])
  await block(juliet, item('romeo@localhost/r'))
  await unblock(juliet, item('localhost'))
  t.match(
    romeo.take(),
    [{ name: 'presence', type: undefined, from: 'juliet@localhost/j' }],
    'his account, but not this client',
  )
  await juliet.say(`<presence><show>away</show></presence>`)
  t.strictSame(world.complaints, [])
})

t.test('other modules ask', async (t) => {
  await using world = await AccountWorld.open()
  const juliet = await world.client('juliet@localhost/j')
  await block(juliet, item('romeo@localhost'))
  const service = world.server.hosts.get('localhost')?.loader.service('blocklist') as BlocklistService
  const [account, romeo, nurse] = ['juliet@localhost', 'romeo@localhost/r', 'nurse@localhost'].map((text) =>
    Jid.parse(text),
  )
  t.equal(service.hasBlocked(account!, romeo!), true, 'at once')
  t.equal(service.hasBlocked(account!, nurse!), false)
  await juliet.leave()
  t.equal(await service.hasBlocked(account!, romeo!), true)
})

t.test('reports reach those who run the host', async (t) => {
  const reports: Report[] = []
  const listener = defineModule({
    name: 'listener',
    about: 'hears of reports',
    on: ['local'],
    setup: (host) => host.on('spam/reported', (report) => void reports.push(report)),
  })
  await using world = await AccountWorld.open({ host: 'admins: [escalus@localhost]', others: [listener] })
  const escalus = await world.client('escalus@localhost/e')
  const juliet = await world.client('juliet@localhost/j')
  const tybalt = await world.client('tybalt@localhost/t')
  await tybalt.say(chat('juliet@localhost', 'insult'))
  const id = juliet.take()[0]?.child('stanza-id', 'urn:xmpp:sid:0')?.attrs['id'] ?? ''
  const report = `<report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:abuse'><text xml:lang='en'> Vile words </text><stanza-id xmlns='urn:xmpp:sid:0' by='juliet@localhost' id='${id}'/><stanza-id xmlns='urn:xmpp:sid:0' by='juliet@localhost' id='gone'/><stanza-id xmlns='urn:xmpp:sid:0' by='tybalt@localhost' id='${id}'/></report>`
  t.equal(outcome(await block(juliet, item('tybalt@localhost', report))), 'result')
  t.match(reports, [{ reason: 'urn:xmpp:reporting:abuse', text: 'Vile words', messages: [{ id: 'insult' }] }])
  t.strictSame([reports[0]?.reporter.full, reports[0]?.jid.full], ['juliet@localhost', 'tybalt@localhost'])
  const [told] = escalus.take()
  t.equal(told?.childText('body'), 'juliet@localhost has reported tybalt@localhost for abuse: Vile words')
  t.ok(told?.has('report', 'urn:xmpp:reporting:1'))
  t.match(String(told?.child('forwarded', 'urn:xmpp:forward:0')), /id='insult'/)
  t.match(await world.command('report list', { count: 20 }), [/^2026-01-01T.* juliet@localhost has reported/])

  await block(juliet, item('nurse@localhost', `<report xmlns='urn:xmpp:reporting:1'/>`))
  t.equal(reports.length, 1, 'a report needs a reason')
  t.ok((await blockedBy(juliet)).includes('nurse@localhost'))

  for (let i = 0; i < 30; i++) {
    await block(juliet, item(`s${i}@x`, `<report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:spam'/>`))
  }
  t.equal(reports.length, 20, 'nobody reports all day')
  await world.advance(91 * 86_400_000)
  t.strictSame(await world.command('report list', { count: 20 }), [])
})

t.test('reports go to whom the admin says', async (t) => {
  await using world = await AccountWorld.open({
    modules: '{ blocklist: { report_to: [paris@localhost] } }',
    host: 'admins: [escalus@localhost]',
  })
  const escalus = await world.client('escalus@localhost/e')
  const paris = await world.client('paris@localhost/p')
  const juliet = await world.client('juliet@localhost/j')
  await block(juliet, item('x', `<report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:spam'/>`))
  t.strictSame([escalus.take().length, paris.take().length], [0, 1])
  t.strictSame(world.complaints, [])
})
