/** What a scanner makes of some input, as lines of text that are easy to compare. */
import { clientLimits, type ScannerLimits } from '../../../server/xml/limits.ts'
import { Scanner, type ScannerListener, type ScannerOptions, XmlError } from '../../../server/xml/scanner.ts'

export const HEADER =
  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='verona.example' version='1.0'>"
export const OPEN = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='verona.example' version='1.0'/>"

export interface Recorder extends ScannerListener {
  readonly events: string[]
}

export function recorder(): Recorder {
  const events: string[] = []
  return {
    events,
    onOpen: (header) => void events.push(`open ${header.attrs['to'] ?? ''}`),
    onStanza: (stanza) => {
      const refs = stanza.refs.map(({ name, ns, start, end }) => `{${ns}}${name}=${stanza.inner.slice(start, end)}`)
      events.push(`stanza ${stanza.toString()}`, ...refs)
    },
    onNonza: (element) => void events.push(`nonza ${element.toString()}`),
    onClose: () => void events.push('close'),
  }
}

/** The events of a stream that comes in these chunks; the last one is the condition of the error, if there is one. */
export function record(
  chunks: readonly (Buffer | string)[],
  limits: ScannerLimits = clientLimits,
  options: Partial<ScannerOptions> = {},
): string[] {
  const listener = recorder()
  const scanner = new Scanner(listener, { framing: 'stream', limits, ...options })
  try {
    for (const chunk of chunks) {
      if (typeof chunk === 'string') scanner.writeText(chunk)
      else scanner.write(chunk)
    }
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    listener.events.push(`error ${error.condition}`)
  }
  return listener.events
}

/** Every way to cut bytes in two, and each byte for itself. */
export function* allCuts(bytes: Buffer): Generator<Buffer[]> {
  yield [bytes]
  for (let cut = 1; cut < bytes.length; cut++) yield [bytes.subarray(0, cut), bytes.subarray(cut)]
  yield eachByte(bytes)
}

export function eachByte(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.of(byte))
}
