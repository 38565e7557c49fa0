/** The contract in one sentence: whatever is asked of a driver, it answers as the memory driver does. */
import { deepStrictEqual } from 'node:assert'
import fc from 'fast-check'
import type { Test } from 'tap'
import type { Bed } from '../contract.ts'
import type { Driver, ValueTable } from '../driver.ts'
import { MemoryDriver } from '../memory/memory-driver.ts'
import type { ArchiveSearch, ArchiveStore } from '../store.ts'
import { TestClock } from './test-clock.ts'

const NOON = Date.UTC(2026, 5, 2, 12)

/** fast-check prints the seed and the shortest run that disagrees. */
export async function agreementContract(t: Test, bed: Bed): Promise<void> {
  const [clock, memoryClock] = [new TestClock(NOON), new TestClock(NOON)]
  const driver = await bed.open(clock)
  t.teardown(() => driver.close())
  const memory = new MemoryDriver(memoryClock)
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(anyAction, { maxLength: 40 }), async (actions) => {
      // A new host each time, so that all runs can share a database.
      const host = `run${runs++}.example`
      const answers = await answersOf(await playerOn(driver, clock, host), actions)
      const expected = await answersOf(await playerOn(memory, memoryClock, host), actions)
      deepStrictEqual(answers, expected)
    }),
    { numRuns: 80 },
  )
  t.pass(`${runs} runs`)
}

/** One who does what the actions say. */
interface Player {
  readonly driver: Driver
  readonly clock: TestClock
  readonly host: string
  readonly values: ValueTable
  readonly archive: ArchiveStore
  readonly ids: string[]
}

async function playerOn(driver: Driver, clock: TestClock, host: string): Promise<Player> {
  const values = await driver.values(host, 'values')
  return { driver, clock, host, values, archive: await driver.archive(host, 'archive', textOf), ids: [] }
}

/** What each action gives. Only those that read are waited for, so that what is written between them is one transaction. */
async function answersOf(player: Player, actions: readonly Action[]): Promise<readonly unknown[]> {
  const answers: unknown[] = []
  const writes: Promise<unknown>[] = []
  for (const { act, reads } of actions) {
    const answer = act(player)
    if (reads) answers.push(await answer)
    else writes.push(answer)
  }
  return [...answers, ...(await Promise.all(writes))]
}

/** What is between the tags. */
function textOf(stanza: string): string {
  return stanza.slice('<message>'.length, -'</message>'.length)
}

interface Action {
  readonly act: (player: Player) => Promise<unknown>
  readonly reads: boolean
  readonly [fc.toStringMethod]: () => string
}

/** A kind of action: what it is called, what it needs, and what it does with that. */
function actionOf<T>(
  name: string,
  needs: fc.Arbitrary<T>,
  does: 'reads' | 'writes',
  act: (player: Player, given: T) => Promise<unknown>,
): fc.Arbitrary<Action> {
  return needs.map((given) => ({
    act: (player) => act(player, given),
    reads: does === 'reads',
    [fc.toStringMethod]: () => `${name} ${fc.stringify(given)}`,
  }))
}

const anyOwner = fc.constantFrom('romeo', 'juliet', '', '__proto__')
const anyKey = fc.constantFrom('', 'a', 'constructor')
const anyEntry = fc.tuple(anyKey, fc.option(fc.constantFrom('1', '2', ''), { nil: undefined }))
const anyPeer = fc.constantFrom('a@x', 'a@x/1', 'a@x/2', 'b@x')
const anyWords = fc.array(fc.constantFrom('rose', 'roses', 'a', 'É', '花', '花火', '?'), { maxLength: 3 })
const anyText = anyWords.map((words) => words.join(' '))
const anyStanza = anyText.map((text) => `<message>${text}</message>`)
const anySteps = fc.integer({ min: -3, max: 3 })
const anyIndex = fc.option(fc.nat(20), { nil: undefined })
const anyWish = fc.record({
  with: fc.option(anyPeer, { nil: undefined }),
  start: fc.option(anySteps, { nil: undefined }),
  end: fc.option(anySteps, { nil: undefined }),
  after: anyIndex,
  before: anyIndex,
  ids: fc.option(fc.array(fc.nat(20), { maxLength: 3 }), { nil: undefined }),
})

const anySearch = fc.record({ want: anyWish, text: fc.option(anyText, { nil: undefined }) })

const anyAction = fc.oneof(
  actionOf('put', fc.tuple(anyOwner, fc.array(anyEntry, { maxLength: 3 })), 'writes', ({ values }, [owner, entries]) =>
    values.put(owner, entries),
  ),
  actionOf('clear', anyOwner, 'writes', ({ values }, owner) => values.clear(owner)),
  actionOf('all', anyOwner, 'reads', ({ values }, owner) => values.all(owner)),
  actionOf('owners', fc.constant(0), 'reads', async ({ values }) =>
    (await Array.fromAsync(values.owners())).toSorted(),
  ),
  actionOf(
    'append',
    fc.tuple(anyOwner, anyPeer, anySteps, anyStanza),
    'writes',
    ({ archive, clock, ids }, [owner, peer, late, stanza]) => {
      const when = new Date(clock.now() + late * 30_000)
      const { id, stored } = archive.append(owner, { when, with: peer, stanza })
      ids.push(id)
      return stored.then(() => id)
    },
  ),
  actionOf('step', anySteps, 'writes', async ({ clock }, by) => clock.step(by * 30_000)),
  actionOf(
    'find',
    fc.tuple(anyOwner, anySearch, fc.nat(5), fc.boolean()),
    'reads',
    (player, [owner, { want, text }, limit, newestFirst]) =>
      player.archive.find(owner, { ...filterOf(player, want), text, limit, newestFirst }),
  ),
  actionOf('count', fc.tuple(anyOwner, anySearch), 'reads', (player, [owner, { want, text }]) =>
    player.archive.count(owner, { ...filterOf(player, want), text }),
  ),
  actionOf('index', fc.constant(0), 'reads', ({ driver }) => driver.indexed()),
  actionOf('replace', fc.tuple(anyOwner, fc.nat(20), anyStanza), 'writes', ({ archive, ids }, [owner, nth, stanza]) =>
    archive.replace(owner, ids[nth] ?? '', stanza),
  ),
  actionOf('trim', fc.tuple(anyOwner, fc.nat(6)), 'reads', ({ archive }, [owner, most]) => archive.trim(owner, most)),
  actionOf('size', anyOwner, 'reads', ({ archive }, owner) => archive.size(owner)),
  actionOf('remove', fc.tuple(fc.option(anyOwner, { nil: undefined }), anyWish), 'reads', (player, [owner, want]) =>
    player.archive.remove(owner, filterOf(player, want)),
  ),
  actionOf('purge', anyOwner, 'reads', ({ driver, host }, owner) => driver.purge(host, owner)),
)

type Wish = typeof anyWish extends fc.Arbitrary<infer T> ? T : never

/** Offsets and numbers as the times and ids of this run. */
function filterOf({ clock, ids }: Player, want: Wish): ArchiveSearch {
  const time = (offset: number | undefined): Date | undefined =>
    offset === undefined ? undefined : new Date(clock.now() + offset * 30_000)
  const id = (nth: number | undefined): string | undefined =>
    nth === undefined ? undefined : (ids[nth] ?? '00000000000')
  return {
    with: want.with,
    start: time(want.start),
    end: time(want.end),
    after: id(want.after),
    before: id(want.before),
    ids: want.ids?.map((nth) => ids[nth] ?? 'none'),
  }
}
