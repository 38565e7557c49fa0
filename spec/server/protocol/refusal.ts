/** Why something was refused, for specs. */
import { StanzaError } from '../../../server/stanza-error.ts'

/** The StanzaError that was thrown, or undefined. Anything else that is thrown goes on. */
export function refusal(run: () => unknown): StanzaError | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof StanzaError) return error
    throw error
  }
}
