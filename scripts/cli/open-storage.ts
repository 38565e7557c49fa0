/** The storage that the configuration asks for. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ServerConfig } from '../../server/host/host-set.ts'
import { workerSource } from '../../server/util/assets.ts'
import type { Clock } from '../../server/util/clock.ts'
import { Storage } from '../../storage/storage.ts'
import { Refusal } from './refusal.ts'

/** Throws Refusal if it cannot be opened. */
export async function openStorage({ server: { storage } }: ServerConfig, clock: Clock): Promise<Storage> {
  const { driver, stores, path, url } = storage
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  try {
    return await Storage.open({
      driver,
      stores: Object.fromEntries(stores),
      sqlite: { path, workerSource: workerSource('storage/sqlite/worker.ts') },
      ...(url !== undefined && { postgres: { url: url.reveal() } }),
      clock,
    })
  } catch (error) {
    throw new Refusal(`the storage cannot be opened: ${error instanceof Error ? error.message : String(error)}`)
  }
}
