/** How much a peer may ask of the scanner. What is more closes the stream with policy-violation. */
export interface ScannerLimits {
  /** From `<` to `>` of a stanza, or of any other child of the stream; the header as well. */
  readonly stanzaBytes: number
  /** Elements inside each other; a stanza alone is 1 deep. */
  readonly depth: number
  /** Elements of one stanza, itself included. */
  readonly elements: number
  /** Of one element. */
  readonly attributes: number
}

/** For peers that have not said who they are. */
export const strangerLimits: ScannerLimits = { stanzaBytes: 8192, depth: 16, elements: 64, attributes: 64 }

/** For clients that have logged in. */
export const clientLimits: ScannerLimits = { stanzaBytes: 262_144, depth: 64, elements: 10_000, attributes: 256 }

/** For servers and components that have proved who they are. */
export const serverLimits: ScannerLimits = { ...clientLimits, stanzaBytes: 524_288 }
