/**
 * RFC 5802 and RFC 7677: SCRAM. Both sides prove that they know the password,
 * and neither says it. With -PLUS also that they speak over one channel, and
 * with XEP-0474 that they saw one list of mechanisms. HOT: scripts/bench/scram.ts.
 */
import { timingSafeEqual } from 'node:crypto'
import { isPending, type Maybe } from '../../util/maybe.ts'
import { fakeCredentials, readKey, type StoredKeys } from '../credentials.ts'
import { digest, hmac, type HashName } from '../digest.ts'
import { bindingTypeOf } from './channel-binding.ts'
import { identityOf, nodeOf } from './identity.ts'
import {
  EMPTY_CHALLENGE,
  type AccountRecord,
  type Dialogue,
  type Identity,
  type Mechanism,
  type SaslContext,
  type Step,
} from './mechanism.ts'
import { SaslFailure } from './sasl-failure.ts'
import { type ChannelBindingFlag, type ClientFirst, parseClientFinal, parseClientFirst } from './scram-messages.ts'
import { decodeUtf8 } from './text.ts'

interface ScramVariant {
  readonly name: string
  readonly hash: HashName
  readonly strength: number
  readonly isPlus: boolean
}

/** SCRAM-SHA-1, -SHA-256 and -SHA-512, each with and without channel binding. */
export const scram: readonly Mechanism[] = [
  mechanism({ name: 'SCRAM-SHA-512-PLUS', hash: 'sha-512', strength: 83, isPlus: true }),
  mechanism({ name: 'SCRAM-SHA-256-PLUS', hash: 'sha-256', strength: 82, isPlus: true }),
  mechanism({ name: 'SCRAM-SHA-1-PLUS', hash: 'sha-1', strength: 81, isPlus: true }),
  mechanism({ name: 'SCRAM-SHA-512', hash: 'sha-512', strength: 53, isPlus: false }),
  mechanism({ name: 'SCRAM-SHA-256', hash: 'sha-256', strength: 52, isPlus: false }),
  mechanism({ name: 'SCRAM-SHA-1', hash: 'sha-1', strength: 51, isPlus: false }),
]

/** Base64 of the hash over everything that was offered, in the order of its bytes (XEP-0474 §6.1). */
export function offerHash(hash: HashName, mechanisms: readonly string[], bindingTypes: readonly string[]): string {
  const lists = bindingTypes.length === 0 ? [mechanisms] : [mechanisms, bindingTypes]
  return digest(hash, lists.map((list) => list.toSorted().join('\x1e')).join('\x1f')).toString('base64')
}

function mechanism(variant: ScramVariant): Mechanism {
  const { name, hash, strength, isPlus } = variant
  return {
    name,
    hash,
    strength,
    needs: isPlus ? ['channel-binding'] : [],
    start: (context) => new ScramDialogue(variant, context),
  }
}

/** What is settled once our first message is made. */
interface Exchange {
  readonly clientFirstBare: string
  readonly serverFirst: string
  /** What the client must say in its last message. */
  readonly nonce: string
  readonly channelBinding: string
  readonly keys: StoredKeys
  /** Of the account, if there is one that these keys belong to. */
  readonly identity: Identity | undefined
  readonly isDisabled: boolean
}

/** What the client has said first, and what follows from it. */
interface Opening {
  readonly message: ClientFirst
  readonly channelBinding: string
  /** Prepared, unless no account can have that name. */
  readonly username: string
  readonly identity: Identity | undefined
}

class ScramDialogue implements Dialogue {
  readonly #variant: ScramVariant
  readonly #context: SaslContext
  #expected: 'anything' | 'message' | 'nothing' = 'anything'
  #exchange: Exchange | undefined

  constructor(variant: ScramVariant, context: SaslContext) {
    this.#variant = variant
    this.#context = context
  }

  step(data: Buffer | undefined): Maybe<Step> {
    const expected = this.#expected
    // Whatever goes wrong from here on, this dialogue is over.
    this.#expected = 'nothing'
    if (data === undefined && expected === 'anything') {
      this.#expected = 'message'
      return EMPTY_CHALLENGE
    }
    const text = data && decodeUtf8(data)
    if (text === undefined || expected === 'nothing') throw new SaslFailure('malformed-request')
    return this.#exchange === undefined ? this.#first(parseClientFirst(text)) : this.#final(this.#exchange, text)
  }

  #first(message: ClientFirst): Maybe<Step> {
    const channelBinding = this.#channelBinding(message)
    const node = nodeOf(message.username, this.#context)
    const identity = identityOf(node, message.authzid, this.#context)
    const opening = { message, channelBinding, username: node ?? message.username, identity }
    const account = node === undefined ? undefined : this.#context.lookup(node)
    if (isPending(account)) return account.then((found) => this.#challenge(opening, found))
    return this.#challenge(opening, account)
  }

  #challenge({ message, channelBinding, username, identity }: Opening, account: AccountRecord | undefined): Step {
    const { hash } = this.#variant
    const { fakeSecret, host, random } = this.#context
    // Made for known users too, or the time would tell who is unknown (RFC 5802 §9).
    const fake = fakeCredentials(fakeSecret, `${username}@${host}`, hash)
    const own = account?.credentials[hash]
    const keys = own ?? fake

    const nonce = message.nonce + random.bytes(SERVER_NONCE_BYTES).toString('base64')
    const serverFirst = `r=${nonce},s=${keys.salt},i=${keys.iterations}${this.#offerAttribute()}`
    this.#exchange = {
      clientFirstBare: message.bare,
      serverFirst,
      nonce,
      channelBinding,
      keys,
      identity: own === undefined ? undefined : identity,
      isDisabled: account?.disabled === true,
    }
    this.#expected = 'message'
    return { kind: 'challenge', data: Buffer.from(serverFirst) }
  }

  #final(exchange: Exchange, text: string): Step {
    const message = parseClientFinal(text)
    if (message.nonce !== exchange.nonce)
      throw new SaslFailure('malformed-request', 'That is not the nonce we agreed on')
    // Another header than before, or another channel: somebody is in between (RFC 5802 §6).
    if (message.channelBinding !== exchange.channelBinding) throw new SaslFailure('not-authorized')

    const { name, hash } = this.#variant
    const { keys, identity } = exchange
    const authMessage = `${exchange.clientFirstBare},${exchange.serverFirst},${message.withoutProof}`
    const storedKey = readKey(hash, keys.storedKey)
    const serverSignature = hmac(hash, readKey(hash, keys.serverKey), authMessage)
    const isProven = proves(message.proof, hmac(hash, storedKey, authMessage), storedKey, hash)
    if (!isProven || identity === undefined) throw new SaslFailure('not-authorized')
    if (exchange.isDisabled) throw new SaslFailure('account-disabled')
    const data = Buffer.from(`v=${serverSignature.toString('base64')}`)
    return { kind: 'success', identity, mechanism: name, data }
  }

  /** The `c` attribute that the last message must have, to the byte. */
  #channelBinding({ binding, gs2Header }: ClientFirst): string {
    const header = Buffer.from(gs2Header)
    const data = this.#bindingData(binding)
    return (data === undefined ? header : Buffer.concat([header, data])).toString('base64')
  }

  #bindingData(binding: ChannelBindingFlag): Buffer | undefined {
    const { mechanismsOffered } = this.#context
    if ((binding.flag === 'p') !== this.#variant.isPlus) {
      throw new SaslFailure('malformed-request', 'The mechanism and the channel binding flag contradict each other')
    }
    // The client has not seen what we offered: somebody has taken it out (RFC 5802 §6).
    if (binding.flag === 'y' && mechanismsOffered.some((name) => name.endsWith('-PLUS'))) {
      throw new SaslFailure('not-authorized', 'Channel binding was offered')
    }
    if (binding.flag !== 'p') return undefined
    const type = bindingTypeOf(binding.type)
    const data = type && this.#context.channelBinding(type)
    if (data === undefined) throw new SaslFailure('malformed-request', 'That channel binding type is not offered')
    return data
  }

  #offerAttribute(): string {
    const { downgradeProtection = true, mechanismsOffered, bindingTypes } = this.#context
    return downgradeProtection ? `,h=${offerHash(this.#variant.hash, mechanismsOffered, bindingTypes)}` : ''
  }
}

/** 144 bits: base64 of them needs no padding. */
const SERVER_NONCE_BYTES = 18

/** `H(ClientProof XOR ClientSignature) = StoredKey` (RFC 5802 §3), in constant time. */
function proves(proof: Buffer, clientSignature: Buffer, storedKey: Buffer, hash: HashName): boolean {
  if (proof.length !== clientSignature.length) return false
  const clientKey = Buffer.allocUnsafe(proof.length)
  for (let i = 0; i < proof.length; i++) clientKey[i] = proof[i]! ^ clientSignature[i]!
  return timingSafeEqual(digest(hash, clientKey), storedKey)
}
