/** A few rounds of the kill test (`npm run kill-test`): nothing that was acknowledged is lost, and nothing comes twice. */
import t, { type Test } from 'tap'
import { killTest, type KillTestOptions } from '../scripts/kill-test/kill-test.ts'

async function survives(t: Test, options: Pick<KillTestOptions, 'storage' | 'rounds'>): Promise<void> {
  const said: string[] = []
  const { acknowledged, lost, duplicated } = await killTest({ ...options, seed: 7, say: (line) => said.push(line) })
  t.ok(acknowledged > 0)
  t.strictSame({ lost, duplicated }, { lost: 0, duplicated: 0 }, said.join('\n'))
}

t.setTimeout(120_000)
t.test('in SQLite', (t) => survives(t, { storage: 'sqlite', rounds: 3 }))
t.test('in PostgreSQL', (t) => survives(t, { storage: 'postgres', rounds: 2 }))
