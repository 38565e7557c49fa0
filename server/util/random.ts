import { randomBytes } from 'node:crypto'

/** Unpredictable bytes and names, given to whoever needs them, so that a test can seed its own. */
export interface Random {
  bytes(length: number): Buffer
  /** A name nobody can guess: 16 characters of base64url, 96 bits. Safe in XML and in JIDs. */
  id(): string
}

export const systemRandom: Random = {
  bytes: (length) => randomBytes(length),
  id: () => randomBytes(12).toString('base64url'),
}
