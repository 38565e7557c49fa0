/** A process that opens the storage it is told to (as JSON), says that it has, and closes it again. */
import { systemClock } from '../../server/util/clock.ts'
import { Storage, type StorageOptions } from '../storage.ts'

// The test that starts this process gives it the options it has itself.
const options = JSON.parse(process.argv[2] ?? '') as StorageOptions
const storage = await Storage.start(options, { clock: systemClock })
await storage.close()
process.stdout.write('opened')
