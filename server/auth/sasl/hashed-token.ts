/** draft-schmaus-kitten-sasl-ht-09: logging in with a token that the server has given out, in one message (XEP-0484). */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { ChannelBindingType } from './channel-binding.ts'
import { SaslFailure } from './sasl-failure.ts'

/** A mechanism of the family that we offer: its name, and what ties it to the channel. */
export interface HashedTokenMechanism {
  readonly name: string
  readonly binding: ChannelBindingType | undefined
}

/** The strongest first. */
export const hashedTokenMechanisms: readonly HashedTokenMechanism[] = [
  { name: 'HT-SHA-256-EXPR', binding: 'tls-exporter' },
  { name: 'HT-SHA-256-ENDP', binding: 'tls-server-end-point' },
  { name: 'HT-SHA-256-NONE', binding: undefined },
]

/** What a client says first, and last. */
export interface TokenMessage {
  readonly username: string
  readonly proof: Buffer
}

/** Reads `authcid NUL hash`. Throws `malformed-request`. */
export function readTokenMessage(data: Buffer): TokenMessage {
  const end = data.indexOf(0)
  const proof = data.subarray(end + 1)
  if (end <= 0 || proof.length !== PROOF_BYTES) throw new SaslFailure('malformed-request')
  return { username: data.toString('utf8', 0, end), proof }
}

/** True if the client knows the token, and sits at the other end of this channel. Constant time. */
export function provesToken({ proof }: TokenMessage, token: string, binding: Buffer): boolean {
  return timingSafeEqual(proof, hashOf(token, 'Initiator', binding))
}

/** Proves to the client that we know the token as well. */
export function answerToToken(token: string, binding: Buffer): Buffer {
  return hashOf(token, 'Responder', binding)
}

function hashOf(token: string, side: 'Initiator' | 'Responder', binding: Buffer): Buffer {
  return createHmac('sha256', token).update(side).update(binding).digest()
}

const PROOF_BYTES = 32
