/** A secret that a host makes once and keeps. */
import type { KeyvalStore } from '../../storage/store.ts'
import type { Random } from '../util/random.ts'

const BYTES = 32

/** The one that is kept in the store; made if there is none. */
export async function lastingSecret(store: KeyvalStore<string>, random: Random): Promise<Buffer> {
  const kept = await store.get('')
  if (kept !== undefined) return Buffer.from(kept, 'base64')
  const made = random.bytes(BYTES)
  await store.set('', made.toString('base64'))
  return made
}
