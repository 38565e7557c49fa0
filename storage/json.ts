/** Values as texts. */
import { StorageError } from './storage-error.ts'

/** The JSON of a value; undefined stays undefined. Throws a StorageError for what has none. */
export function toJson(value: unknown): string | undefined {
  if (value === undefined) return undefined
  const text = stringify(value)
  if (text === undefined) throw new StorageError('invalid', `a ${typeof value} cannot be stored`)
  return text
}

/** The value of a JSON text that `toJson` made. */
export function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new StorageError('failed', 'a stored value is damaged', { cause: error })
  }
}

/** As JSON.stringify really is: it gives undefined for functions and symbols, and throws for circles and bigints. */
function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (error) {
    throw new StorageError('invalid', 'a value has no JSON', { cause: error })
  }
}
