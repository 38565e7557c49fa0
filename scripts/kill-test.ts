/**
 * Kills the server while clients send, starts it again, and accounts for every message that it had acknowledged:
 *
 *     npm run kill-test -- --rounds 200 [--seed 1] [--storage sqlite|postgres]
 *
 * What counts as lost and as duplicated is said in kill-test/ledger.ts. The same seed gives the same traffic and the
 * same moments, as far as the machine lets it. Ends with 1 if anything was lost or duplicated.
 */
import { parseArgs } from 'node:util'
import { killTest } from './kill-test/kill-test.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    storage: { type: 'string', default: 'sqlite' },
  },
})
const rounds = Number(values.rounds)
const seed = Number(values.seed)
const { storage } = values
if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(seed))
  throw new Error('--rounds and --seed are whole numbers')
if (storage !== 'sqlite' && storage !== 'postgres') throw new Error('--storage is sqlite or postgres')

const began = performance.now()
console.log(`seed ${seed}, ${rounds} rounds on ${storage}`)
const { acknowledged, lost, duplicated, refused, onlyArchived } = await killTest({
  rounds,
  seed,
  storage,
  say: (line) => console.log(line),
})
console.log(
  `${((performance.now() - began) / 1000).toFixed(0)} s, ${refused} refused, ${onlyArchived} only in the archive`,
)
console.log(`${acknowledged} acknowledged, ${lost} lost, ${duplicated} duplicated`)
process.exitCode = lost + duplicated > 0 ? 1 : 0
