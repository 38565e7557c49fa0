/** Whatever people do in a room, and however it is interleaved: all see the same room, and hear the same history. */
import fc from 'fast-check'
import t from 'tap'
import { isShown } from '../../../modules/mod_muc/features/presence-broadcast.ts'
import type { Room } from '../../../modules/mod_muc/room.ts'
import type { Stanza } from '../../../server/xml/stanza.ts'
import { MucWorld, type Person, ROOM } from '../../support/muc-world.ts'

/** Who takes part: two clients of Juliet's among them. Romeo owns the room, and stays. */
const CAST = [
  'juliet@localhost/balcony',
  'juliet@localhost/chamber',
  'tybalt@localhost/x',
  'nurse@localhost/y',
] as const
const NICKS = ['Juliet', 'Tybalt', 'Nurse', 'Ghost'] as const
const BARES = ['juliet@localhost', 'tybalt@localhost', 'nurse@localhost'] as const

/** Something that somebody does. */
type Deed =
  | { readonly kind: 'join' | 'rename' | 'resync' | 'leave'; readonly who: number; readonly nick: number }
  | { readonly kind: 'speak' | 'drop' | 'away'; readonly who: number }
  | { readonly kind: 'role'; readonly nick: number; readonly role: string }
  | { readonly kind: 'affiliation'; readonly whom: number; readonly affiliation: string }
  | { readonly kind: 'configure'; readonly field: string; readonly value: readonly string[] }

const who = fc.nat({ max: CAST.length - 1 })
const nick = fc.nat({ max: NICKS.length - 1 })

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('join' as const), who, nick }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('rename' as const, 'resync' as const), who, nick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), who, nick }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('speak' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('drop' as const, 'away' as const), who }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('role' as const),
      nick,
      role: fc.constantFrom('none', 'visitor', 'participant', 'moderator'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('affiliation' as const),
      whom: fc.nat({ max: BARES.length - 1 }),
      affiliation: fc.constantFrom('outcast', 'none', 'member', 'admin'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('configure' as const),
      field: fc.constantFrom('membersonly', 'moderatedroom'),
      value: fc.constantFrom(['0'], ['1']),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('configure' as const),
      field: fc.constant('presencebroadcast'),
      value: fc.subarray(['none', 'visitor', 'participant', 'moderator']),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('configure' as const),
      field: fc.constant('whois'),
      value: fc.constantFrom(['anyone'], ['moderators']),
    }),
  },
)

/** Deeds that are begun before any of them is done. */
const scene = fc.array(fc.array(deed, { minLength: 1, maxLength: 4 }), { maxLength: 25 })

t.test('all occupants see the same room and hear one history', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
  t.comment(`SEED=${seed}`)
  await fc.assert(
    fc.asyncProperty(scene, async (scenes) => {
      await using world = await MucWorld.open()
      const romeo = world.person('romeo@localhost/orchard')
      const people = CAST.map((address) => world.person(address))
      await romeo.join('Romeo')
      await romeo.configure({ persistentroom: '1' })
      let count = 0
      for (const deeds of scenes) {
        await Promise.all(deeds.map((each) => act(each, romeo, people, () => `m${count++}`)))
      }
      await world.settled()

      const room = await world.rooms.find('room')
      if (room === undefined) throw new Error('the room is gone')
      const said = voices(romeo.inbox)
      for (const person of [romeo, ...people]) {
        compareRoster(room, person)
        compareHistory(said, person)
      }
      if (world.complaints.length > 0) throw new Error(world.complaints.join('\n'))
    }),
    { seed, numRuns: 60 },
  )
})

type OwnDeed = Extract<Deed, { readonly who: number }>

async function act(deed: Deed, romeo: Person, people: readonly Person[], nextId: () => string): Promise<void> {
  if ('who' in deed) return actAs(people[deed.who] ?? romeo, deed, romeo, nextId)
  switch (deed.kind) {
    case 'role':
      return romeo.administer(`<item nick='${NICKS[deed.nick]}' role='${deed.role}'/>`)
    case 'affiliation':
      return romeo.administer(`<item jid='${BARES[deed.whom]}' affiliation='${deed.affiliation}'/>`)
    case 'configure':
      return romeo.configure({ [deed.field]: deed.value })
  }
}

async function actAs(person: Person, deed: OwnDeed, romeo: Person, nextId: () => string): Promise<void> {
  switch (deed.kind) {
    case 'join':
    case 'resync':
      // Whoever could not be reached has missed something, and knows it.
      if (!person.isReachable) person.take()
      person.isReachable = true
      return person.join(NICKS[deed.nick] ?? '')
    case 'rename':
      return person.say(`<presence to='${ROOM}/${NICKS[deed.nick]}'/>`)
    case 'leave':
      return person.leave(NICKS[deed.nick] ?? '')
    case 'speak':
      return person.speak(nextId())
    case 'away':
      return person.say(`<presence to='${ROOM}'><show>away</show></presence>`)
    case 'drop':
      person.isReachable = false
      return romeo.speak(nextId())
  }
}

/** What somebody believes about the room, from all that they were told: who is what, and their own nickname. */
interface Belief {
  readonly occupants: ReadonlyMap<string, string>
  readonly self: string | undefined
}

function beliefOf(stanzas: readonly Stanza[]): Belief {
  const occupants = new Map<string, string>()
  let self: string | undefined
  for (const stanza of stanzas) {
    if (stanza.name !== 'presence' || stanza.type === 'error') continue
    const nickname = stanza.from?.split('/')[1] ?? ''
    const x = stanza.child('x', 'http://jabber.org/protocol/muc#user')
    const isSelf = x?.elements.some(({ name, attrs }) => name === 'status' && attrs['code'] === '110') ?? false
    const item = x?.child('item')
    if (stanza.type === 'unavailable') {
      occupants.delete(nickname)
      if (!isSelf || self !== nickname) continue
      self = item?.attrs['nick']
      if (self === undefined) occupants.clear()
    } else {
      occupants.set(nickname, `${item?.attrs['affiliation']}/${item?.attrs['role']}`)
      if (isSelf) self = nickname
    }
  }
  return { occupants, self }
}

/** Those inside know whom they may see, and themselves; those outside know that they are. */
function compareRoster(room: Room, person: Person): void {
  if (!person.isReachable) return
  const session = room.sessions.get(person.jid.full)
  const belief = beliefOf(person.inbox)
  if (belief.self !== session?.occupant.nick) {
    throw new Error(`${person.jid.full} believes to be ${belief.self}, and is ${session?.occupant.nick}`)
  }
  if (session === undefined) return
  const visible = [...room.occupants.values()].filter(
    (occupant) => occupant === session.occupant || isShown(room, occupant.role),
  )
  const truth = visible.map((each) => `${each.nick} ${room.affiliationOf(each)}/${each.role}`).toSorted()
  const believed = [...belief.occupants].map((entry) => entry.join(' ')).toSorted()
  if (truth.join() !== believed.join()) {
    throw new Error(`${person.jid.full} sees ${believed.join()} where there are ${truth.join()}`)
  }
}

/** Live messages, by their ids. */
function voices(stanzas: readonly Stanza[]): readonly string[] {
  return stanzas
    .filter(({ name, type }) => name === 'message' && type === 'groupchat')
    .filter((stanza) => stanza.has('body') && !stanza.has('delay', 'urn:xmpp:delay'))
    .map(({ id }) => id ?? '')
}

/** What each has heard, live or as history, is what Romeo has heard, in the same order, without gaps while inside. */
function compareHistory(said: readonly string[], person: Person): void {
  let next: number | undefined
  for (const stanza of person.inbox) {
    if (stanza.name === 'presence' && isOwnArrival(stanza)) next = undefined
    const [id] = voices([stanza])
    if (id === undefined) continue
    const place = said.indexOf(id)
    if (place === -1) throw new Error(`only ${person.jid.full} has heard ${id}`)
    if (next !== undefined && place !== next && isInsideAll(person, stanza)) {
      throw new Error(`${person.jid.full} has heard ${id} where ${said[next]} was next`)
    }
    next = place + 1
  }
}

/** True if somebody has been told nothing of leaving: then there are no gaps. */
function isInsideAll(person: Person, until: Stanza): boolean {
  const before = person.inbox.slice(0, person.inbox.indexOf(until))
  const lastArrival = before.findLastIndex((stanza) => stanza.name === 'presence' && isOwnArrival(stanza))
  return !before.slice(lastArrival).some(({ name, type }) => name === 'presence' && type === 'unavailable')
}

function isOwnArrival(stanza: Stanza): boolean {
  const x = stanza.child('x', 'http://jabber.org/protocol/muc#user')
  return stanza.type === undefined && (x?.elements.some(({ attrs }) => attrs['code'] === '110') ?? false)
}
