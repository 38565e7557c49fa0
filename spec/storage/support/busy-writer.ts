/**
 * A process that writes without end to the storage it is told to use (as
 * JSON) and says of each write that it is durable, once it is: `id text`. It
 * stops only when it is killed.
 */
import { systemClock } from '../../../server/util/clock.ts'
import { Storage, type StorageOptions } from '../../../storage/storage.ts'
import { archive, map } from '../../../storage/store.ts'

export const busySpecs = { messages: archive('archive'), contacts: map<string>('roster') }

if (import.meta.main) {
  // The test that starts this process gives it the options it has itself.
  const options = JSON.parse(process.argv[2] ?? '') as StorageOptions
  const storage = await Storage.start(options, { clock: systemClock })
  const { messages, contacts } = await storage.open('crash.example', busySpecs)
  for (let turn = 0; ; turn++) {
    const writes = Array.from({ length: 20 }, async (_, i) => {
      const text = `${process.pid}-${turn}-${i}`
      const item = { when: new Date(), with: `peer${turn % 50}@x/${i}`, stanza: text.padEnd(400, 'x') }
      const { id, stored } = messages.append(`user${i}`, item)
      await Promise.all([stored, contacts.set(`user${i}`, text, id)])
      // To a pipe it is written at once (process I/O in Node's manual): no buffer dies with us.
      process.stdout.write(`user${i} ${id} ${text}\n`)
    })
    // Sometimes the next turn does not wait for this one.
    if (turn % 3 === 0) await Promise.all(writes)
    else await new Promise((resolve) => setImmediate(resolve))
  }
}
