import fc from 'fast-check'
import t from 'tap'
import { Upgrade, upgradeTasks } from '../../../modules/mod_sasl2/upgrades.ts'
import type { Accounts, StoredAccount } from '../../../server/auth/accounts.ts'
import type { HashName } from '../../../server/auth/digest.ts'
import { SaslFailure } from '../../../server/auth/sasl/sasl-failure.ts'
import { xml } from '../../../server/xml/element.ts'
import { seededRandom } from '../../server/auth/sasl/world.ts'

const BYTES = { 'sha-1': 20, 'sha-256': 32, 'sha-512': 64 } as const
const NAMES = [...upgradeTasks.keys()]

/** What a client may do: begin a task, or give a hash of so many bytes. */
type Move = { readonly next: string } | { readonly bytes: number }

const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ next: fc.constantFrom(...NAMES, 'UPGR-NOTHING') }),
  fc.record({ bytes: fc.constantFrom(0, 19, ...Object.values(BYTES)) }),
)

t.test(
  'whatever a client does, keys are added only for tasks that were due, begun, and answered as they should',
  async () => {
    const keys = { salt: 'AAAA', iterations: 4096, storedKey: '', serverKey: '' }
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(NAMES),
        fc.subarray(['sha-1', 'sha-256', 'sha-512'] as const),
        fc.array(move, { maxLength: 12 }),
        async (wanted, known, moves) => {
          const added: HashName[] = []
          const accounts: Pick<Accounts, 'addKeys'> = {
            addKeys: async (_node, hash) => {
              added.push(hash)
              return true
            },
          }
          const account: StoredAccount = {
            credentials: Object.fromEntries(known.map((hash) => [hash, keys])),
            role: 'user',
            createdAt: 0,
          }
          // Nothing else of the accounts is asked for.
          const upgrade = Upgrade.plan(accounts as Accounts, seededRandom(), 'juliet', account, wanted)
          const expected = NAMES.filter((name) => wanted.includes(name) && !known.includes(upgradeTasks.get(name)!))
          if (upgrade === undefined) return expected.length === 0

          // The same in a few lines: what is left to do, and whether the first of it was begun.
          const left = [...expected]
          const done: HashName[] = []
          let isBegun = false
          for (const step of moves) {
            const hash = upgradeTasks.get(left[0] ?? '')
            const isRight =
              'next' in step ? !isBegun && step.next === left[0] : isBegun && hash && step.bytes === BYTES[hash]
            const took = await attempt(upgrade, step)
            if (took !== Boolean(isRight)) return false
            // The first mistake ends the login.
            if (!took) break
            isBegun = 'next' in step
            if (isBegun || hash === undefined) continue
            done.push(hash)
            left.shift()
          }
          const due = upgrade.due()?.child('tasks')?.child('task')?.getText()
          return due === left[0] && added.join() === done.join()
        },
      ),
    )
  },
)

/** False if it was refused. */
async function attempt(upgrade: Upgrade, step: Move): Promise<boolean> {
  try {
    if ('next' in step) upgrade.begin(xml('next', { task: step.next }))
    else await upgrade.finish(taskData(step.bytes))
    return true
  } catch (error) {
    if (error instanceof SaslFailure) return false
    throw error
  }
}

function taskData(bytes: number) {
  const hash = Buffer.alloc(bytes).toString('base64')
  return xml('task-data', {}, xml('hash', { xmlns: 'urn:xmpp:scram-upgrade:0' }, hash))
}
