/**
 * Whatever people do in a room, and however it is interleaved, also with restarts: all see the same room and hear the
 * same history, the archive has that history, and a list of affiliations that is kept by versions is right.
 */
import fc from 'fast-check'
import t from 'tap'
import hats from '../../../modules/mod_muc_hats.ts'
import mam from '../../../modules/mod_muc_mam/index.ts'
import members from '../../../modules/mod_muc_members/index.ts'
import moderation from '../../../modules/mod_muc_moderation/index.ts'
import { versionName } from '../../../modules/mod_muc/features/affiliation-versions.ts'
import { isShown } from '../../../modules/mod_muc/features/presence-broadcast.ts'
import type { Room } from '../../../modules/mod_muc/room.ts'
import type { AnyModule } from '../../../server/host/module.ts'
import type { Stanza } from '../../../server/xml/stanza.ts'
import { MucWorld, type Person, ROOM } from '../../support/muc-world.ts'

const modules = [mam, moderation, hats, members] as readonly unknown[] as readonly AnyModule[]
const NS_USER = 'http://jabber.org/protocol/muc#user'
const NS_MAV = 'urn:xmpp:muc:affiliations:1'
const NS_RETRACT = 'urn:xmpp:message-retract:1'
const HAT = 'x:hat'

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
  /** Romeo retracts something that was said; whoever `who` is retracts it, if it was they. */
  | { readonly kind: 'moderate'; readonly which: number }
  | { readonly kind: 'retract'; readonly who: number; readonly which: number }
  | { readonly kind: 'hat'; readonly whom: number; readonly act: string }
  | { readonly kind: 'restart' | 'silence' }

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

const which = fc.nat({ max: 20 })

const rareDeed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ kind: fc.constant('moderate' as const), which }),
  fc.record({ kind: fc.constant('retract' as const), who, which }),
  fc.record({
    kind: fc.constant('hat' as const),
    whom: fc.nat({ max: BARES.length - 1 }),
    act: fc.constantFrom('assign', 'unassign'),
  }),
  fc.record({ kind: fc.constantFrom('restart' as const, 'silence' as const) }),
)

/** Deeds that are begun before any of them is done. */
const scene = fc.array(
  fc.array(fc.oneof({ weight: 8, arbitrary: deed }, { weight: 1, arbitrary: rareDeed }), {
    minLength: 1,
    maxLength: 4,
  }),
  { maxLength: 25 },
)

t.test('all occupants see the same room and hear one history', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
  t.comment(`SEED=${seed}`)
  await fc.assert(
    fc.asyncProperty(scene, async (scenes) => {
      let world = await MucWorld.open({ modules })
      const romeo = world.person('romeo@localhost/orchard')
      const people = CAST.map((address) => world.person(address))
      await romeo.join('Romeo', ROOM, `<mav xmlns='${NS_MAV}'/>`)
      await romeo.configure({ persistentroom: '1' })
      await romeo.command('urn:xmpp:hats:commands:create', { 'hats#title': 'Hat', 'hats#uri': HAT })
      let count = 0
      for (const deeds of scenes) {
        await Promise.all(deeds.map((each) => act(each, romeo, people, () => `m${count++}`)))
        // So much of it that the room leaves memory.
        if (deeds.some(({ kind }) => kind === 'silence')) world.clock.advance(2 * 3600 * 1000)
        if (deeds.some(({ kind }) => kind === 'restart')) world = await restarted(world, [romeo, ...people])
      }
      // What comes after a restart wakes the room up.
      await romeo.speak('last')
      await world.settled()

      const room = await world.rooms.find('room')
      if (room === undefined) throw new Error('the room is gone')
      const said = voices(romeo.inbox)
      for (const person of [romeo, ...people]) {
        compareRoster(room, person)
        compareHistory(said, person)
      }
      compareAffiliations(room, romeo)
      await compareArchive(said, romeo)
      if (world.complaints.length > 0) throw new Error(world.complaints.join('\n'))
      await world[Symbol.asyncDispose]()
    }),
    { seed, numRuns: 60 },
  )
})

/** The service ends, and begins again; people notice nothing. */
async function restarted(world: MucWorld, people: readonly Person[]): Promise<MucWorld> {
  await world.settled()
  await world.close()
  if (world.complaints.length > 0) throw new Error(world.complaints.join('\n'))
  return MucWorld.open({ storage: world.storage, people, modules })
}

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
    case 'moderate':
      return romeo.say(
        `<iq to='${ROOM}' type='set' id='m'><moderate xmlns='urn:xmpp:message-moderate:1' id='${stanzaIdOf(romeo, deed.which)}'><retract xmlns='${NS_RETRACT}'/></moderate></iq>`,
      )
    case 'hat':
      return romeo.command(`urn:xmpp:hats:commands:${deed.act}`, {
        'hats#jid': BARES[deed.whom] ?? '',
        'hats#uri': HAT,
      })
    case 'restart':
    case 'silence':
      return undefined
  }
}

/** The name that the room has given to one of the messages that Romeo has heard. */
function stanzaIdOf(romeo: Person, which: number): string {
  const heard = romeo.inbox.filter((stanza) => voices([stanza]).length > 0)
  const stanza = heard[which % Math.max(heard.length, 1)]
  return stanza?.child('stanza-id', 'urn:xmpp:sid:0')?.attrs['id'] ?? 'nothing'
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
    case 'retract':
      return person.say(
        `<message to='${ROOM}' type='groupchat' id='r'><retract xmlns='${NS_RETRACT}' id='${stanzaIdOf(romeo, deed.which)}'/></message>`,
      )
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

/** Who belongs to the room, as somebody believes who has kept a list by versions (XEP-0463). */
function compareAffiliations(room: Room, tracker: Person): void {
  const believed = new Map<string, string>()
  let version: string | undefined
  for (const stanza of tracker.inbox) {
    const x = stanza.child('x', NS_USER)
    const { since, until } = x?.child('mav', NS_MAV)?.attrs ?? {}
    if (x === undefined || until === undefined) continue
    if (since !== undefined && since !== version) throw new Error(`a change since ${since} when ${version} was known`)
    version = until
    // That one is there tells nothing of the list.
    if (stanza.name === 'presence' && since === undefined) continue
    for (const { name, attrs } of x.elements) {
      if (name === 'item') believed.set(attrs['jid']?.split('/')[0] ?? '', attrs['affiliation'] ?? '')
    }
  }
  if (version !== versionName(room)) throw new Error(`version ${version} is known where ${versionName(room)} holds`)
  const truth = [...room.affiliates.entries()].map(([jid, { affiliation }]) => `${jid} ${affiliation}`).toSorted()
  const list = [...believed].filter(([, affiliation]) => affiliation !== 'none').map((entry) => entry.join(' '))
  if (truth.join() !== list.toSorted().join()) throw new Error(`${list.join()} is believed where ${truth.join()} holds`)
}

/** The archive has what was said, in that order, but for what was retracted: of that, tombstones. */
async function compareArchive(said: readonly string[], romeo: Person): Promise<void> {
  const retracted = new Set(romeo.inbox.flatMap((stanza) => stanza.child('retract', NS_RETRACT)?.attrs['id'] ?? []))
  const lived = romeo.inbox.filter((stanza) => voices([stanza]).length > 0)
  const gone = new Set(
    lived.flatMap((stanza) => {
      const id = stanza.child('stanza-id', 'urn:xmpp:sid:0')?.attrs['id'] ?? ''
      return retracted.has(id) ? (stanza.id ?? []) : []
    }),
  )
  romeo.take()
  await romeo.say(
    `<iq to='${ROOM}' type='set' id='q'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>100</max></set></query></iq>`,
  )
  const texts = romeo.take().map(String)
  const archived = texts.flatMap((text) => /<body>([^<]*)<\/body>/.exec(text)?.[1] ?? [])
  const expected = said.filter((id) => !gone.has(id))
  if (archived.join() !== expected.join())
    throw new Error(`${archived.join()} is archived, ${expected.join()} was said`)
  const tombstones = texts.filter((text) => text.includes('<retracted')).length
  if (tombstones !== gone.size) throw new Error(`${tombstones} tombstones for ${gone.size} messages`)
}
