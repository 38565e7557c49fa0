/** The storage that the configuration asks for. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ServerConfig } from '../../server/host/host-set.ts'
import { workerSource } from '../../server/util/assets.ts'
import type { Log } from '../../server/log/log.ts'
import type { Clock } from '../../server/util/clock.ts'
import { Storage } from '../../storage/storage.ts'
import { Refusal } from './refusal.ts'

/** Throws Refusal if it cannot be opened. */
export async function openStorage({ server: { storage } }: ServerConfig, clock: Clock, log: Log): Promise<Storage> {
  const { driver, stores, path, url } = storage
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  try {
    const options = {
      driver,
      stores: Object.fromEntries(stores),
      path,
      url: url?.reveal(),
      workerSource: workerSource('storage/sqlite/worker.ts'),
    }
    return await Storage.start(options, { clock, log })
  } catch (error) {
    throw new Refusal(`the storage cannot be opened: ${error instanceof Error ? error.message : String(error)}`)
  }
}
