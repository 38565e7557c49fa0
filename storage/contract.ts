/** What every driver must do: the tests that each of them passes (DESIGN §10). */
import type { Test } from 'tap'
import type { Clock } from '../server/util/clock.ts'
import { archiveContract } from './contract/archive.ts'
import { lastingContract } from './contract/lasting.ts'
import { agreementContract } from './contract/agreement.ts'
import { searchContract } from './contract/search.ts'
import { valuesContract } from './contract/values.ts'
import type { Driver } from './driver.ts'
import type { StorageOptions } from './storage.ts'

/** A database to test a driver on. */
export interface Bed {
  /** Opens it: each time the same one, empty at first. */
  open(clock: Pick<Clock, 'now' | 'after'>): Promise<Driver>
  /** If it outlives its driver: how it is opened in another process, and a way to do things behind its back. */
  readonly lasting?: Lasting
}

export interface Lasting {
  readonly options: StorageOptions
  execute(sql: string): Promise<void>
}

/** Tests a driver. Each part gets a new database from `makeBed`. */
export async function driverContract(t: Test, makeBed: () => Promise<Bed>): Promise<void> {
  await t.test('values', async (part) => valuesContract(part, await makeBed()))
  await t.test('archives', async (part) => archiveContract(part, await makeBed()))
  await t.test('search', async (part) => searchContract(part, await makeBed()))
  await t.test('agreement with the memory driver', async (part) => agreementContract(part, await makeBed()))
  await t.test('what lasts', async (part) => lastingContract(part, await makeBed()))
}
