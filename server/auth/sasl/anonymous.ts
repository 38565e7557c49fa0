/** RFC 4505 and XEP-0175: ANONYMOUS. Whoever comes gets an address nobody had before. */
import type { Random } from '../../util/random.ts'
import type { Mechanism } from './mechanism.ts'
import { SaslFailure } from './sasl-failure.ts'

/** To be offered only where an administrator wants guests. The host must know the account from the mechanism: none is looked up. */
export const anonymous: Mechanism = {
  name: 'ANONYMOUS',
  strength: 0,
  needs: [],
  start: ({ random }) => ({
    step: (trace) => {
      // It is used for nothing (XEP-0175 §3), but it must not be long (RFC 4505 §2: 255 characters).
      if (trace !== undefined && trace.length > TRACE_BYTES) throw new SaslFailure('malformed-request', 'Too long')
      return { kind: 'success', identity: { username: uuid(random) }, mechanism: anonymous.name }
    },
  }),
}

const TRACE_BYTES = 1020

/** A random UUID (RFC 9562 §5.4), as XEP-0175 §3 recommends. Lower case, so it is a prepared node as it is. */
function uuid(random: Random): string {
  const bytes = random.bytes(16)
  bytes[6] = (bytes.readUInt8(6) & 0x0f) | 0x40
  bytes[8] = (bytes.readUInt8(8) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
