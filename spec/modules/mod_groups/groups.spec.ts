import fc from 'fast-check'
import t from 'tap'
import { Jid } from '../../../server/jid/jid.ts'
import type { Element } from '../../../server/xml/element.ts'
import { AccountWorld, type Person } from '../../support/account-world.ts'

const NODES = ['romeo', 'juliet', 'nurse'] as const
const jid = (node: string): Jid => Jid.parse(`${node}@localhost`)

/** A roster as a client has it: what it got when it asked, and what was pushed since. */
class View {
  readonly #person: Person
  #items = new Map<string, string>()
  #version = ''

  constructor(person: Person) {
    this.#person = person
  }

  async ask(version = ''): Promise<void> {
    const answer = await this.#person.ask('get', `<query xmlns='jabber:iq:roster' ver='${version}'/>`)
    const query = answer.child('query', 'jabber:iq:roster')
    if (query === undefined) return
    this.#items = new Map(query.elements.map((item) => [item.attrs['jid'] ?? '', written(item)]))
    this.#version = query.attrs['ver'] ?? ''
  }

  /** Reads what was pushed. */
  catchUp(): void {
    for (const stanza of this.#person.take()) {
      const query = stanza.type === 'set' ? stanza.child('query', 'jabber:iq:roster') : undefined
      for (const item of query?.elements ?? []) {
        if (item.attrs['subscription'] === 'remove') this.#items.delete(item.attrs['jid'] ?? '')
        else this.#items.set(item.attrs['jid'] ?? '', written(item))
      }
      this.#version = query?.attrs['ver'] ?? this.#version
    }
  }

  get items(): ReadonlyMap<string, string> {
    return new Map([...this.#items].toSorted(([one], [other]) => (one < other ? -1 : 1)))
  }

  get version(): string {
    return this.#version
  }
}

function written(item: Element): string {
  const groups = item.elements.map((group) => group.getText()).toSorted()
  return `${item.attrs['subscription']} ${item.attrs['name'] ?? ''} ${groups.join(',')}`
}

type Act = readonly ['group add' | 'group remove', string, string] | readonly ['name' | 'remove', string, string]

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.tuple(
    fc.constantFrom('group add' as const, 'group remove' as const),
    fc.constantFrom('A', 'B'),
    fc.constantFrom(...NODES),
  ),
  fc.tuple(fc.constantFrom('name' as const, 'remove' as const), fc.constantFrom(...NODES), fc.constantFrom(...NODES)),
)

t.test('whatever happens to groups and rosters, pushes tell all of it, and so do versions', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 12 }), fc.nat(12), async (acts, awayFrom) => {
      await using world = await AccountWorld.open()
      const people = new Map<string, Person>()
      const views = new Map<string, View>()
      for (const node of NODES) {
        const person = await world.client(`${node}@localhost/x`)
        people.set(node, person)
        views.set(node, new View(person))
        await views.get(node)?.ask()
      }
      for (const [i, [what, one, other]] of acts.entries()) {
        if (what === 'group add' || what === 'group remove')
          await world.command(what, { name: one, jids: [jid(other)] })
        else {
          const subscription = what === 'remove' ? "subscription='remove'" : "name='friend'"
          await people
            .get(one)
            ?.say(
              `<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item jid='${other}@localhost' ${subscription}/></query></iq>`,
            )
        }
        // From then on they miss what is pushed, and ask with the version that they know.
        if (i < awayFrom) for (const view of views.values()) view.catchUp()
      }
      for (const node of NODES) {
        const person = people.get(node)
        const view = views.get(node)
        if (person === undefined || view === undefined) continue
        await view.ask(view.version)
        const fresh = new View(person)
        await fresh.ask()
        if (JSON.stringify([...view.items]) !== JSON.stringify([...fresh.items])) {
          throw new Error(`${JSON.stringify([...view.items])} is not ${JSON.stringify([...fresh.items])}`)
        }
      }
      t.strictSame(world.complaints, [])
    }),
    { numRuns: 25 },
  )
})

t.test('whoever goes is taken out', async (t) => {
  await using world = await AccountWorld.open()
  for (const node of NODES) await world.accounts.create(node, 'secret')
  await world.command('group add', { name: 'A', jids: NODES.map(jid) })
  await world.accounts.remove('nurse')
  const romeo = await world.client('romeo@localhost/x')
  const view = new View(romeo)
  await view.ask()
  t.strictSame([...view.items.keys()], ['juliet@localhost'])
  t.strictSame(await world.command('group list'), ['A: juliet, romeo'])
})

t.test('only accounts of the host come into groups, and only so many', async (t) => {
  await using world = await AccountWorld.open({
    modules: '{ groups: { max_members: 1, groups: { B: [romeo@localhost] } } }',
  })
  await world.accounts.create('romeo', 'secret')
  await world.accounts.create('juliet', 'secret')
  const add = (name: string, ...jids: readonly Jid[]) => world.command('group add', { name, jids })
  await t.rejects(add('A', Jid.parse('romeo@elsewhere.example')), /no account of localhost/)
  await t.rejects(add('A', jid('ghost')), /there is no account ghost@localhost/)
  await t.rejects(add('A', jid('romeo'), jid('juliet')), /more than 1 members/)
  await t.rejects(add('B', jid('juliet')), /is in the configuration/)
  await t.rejects(add('', jid('juliet')), /cannot be used/)
})
