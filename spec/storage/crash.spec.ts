/** What a promise said to be durable is there when the process was killed in the middle of everything else. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { systemClock } from '../../server/util/clock.ts'
import { Storage, type StorageOptions } from '../../storage/storage.ts'
import { startPostgres } from '../support/postgres.ts'
import { busySpecs } from './support/busy-writer.ts'

const WRITER = fileURLToPath(new URL('./support/busy-writer.ts', import.meta.url))

/** After how many durable writes the process is killed, round after round, with the same database. */
const ROUNDS = [1, 1000, 500]

await t.test('SQLite', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'madrigal-crash-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'madrigal.db')
  await losesNothing(t, { driver: 'sqlite', path }, () => {
    const file = new DatabaseSync(path)
    t.equal(file.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok')
    file.close()
  })
})

await t.test('PostgreSQL', async (t) => {
  await using postgres = await startPostgres()
  await using database = await postgres.createDatabase()
  await losesNothing(t, { driver: 'postgres', url: database.url }, () => {})
})

async function losesNothing(t: Test, options: StorageOptions, check: () => void): Promise<void> {
  const durable: Written[] = []
  for (const count of ROUNDS) {
    durable.push(...(await killedAfter(count, options)))
    check()
    const storage = await Storage.start(options, { clock: systemClock })
    const { messages, contacts } = await storage.open('crash.example', busySpecs)
    let kept = 0
    for (const [owner, writes] of Map.groupBy(durable, (write) => write.owner)) {
      const ids = writes.map(({ id }) => id)
      const items = new Map((await messages.find(owner, { ids, limit: ids.length })).map((item) => [item.id, item]))
      const texts = await contacts.all(owner)
      kept += writes.filter(({ id, text }) => texts.get(text) === id && items.get(id)?.stanza.startsWith(text)).length
    }
    t.equal(kept, durable.length, 'everything that was durable is there')
    const { stored } = messages.append('user0', { when: new Date(), with: 'juliet@x', stanza: '<message/>' })
    await stored
    await storage.close()
  }
}

interface Written {
  readonly owner: string
  readonly id: string
  readonly text: string
}

/** What a process has said to be durable until it was killed, a moment after so many writes. */
async function killedAfter(count: number, options: StorageOptions): Promise<readonly Written[]> {
  const writer = spawn(process.execPath, [WRITER, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(writer, 'exit')
  const written: Written[] = []
  for await (const line of createInterface(writer.stdout)) {
    const [owner = '', id = '', text = ''] = line.split(' ')
    // The last line may have been cut.
    if (text !== '') written.push({ owner, id, text })
    if (written.length === count) writer.kill('SIGKILL')
  }
  await exited
  return written
}
