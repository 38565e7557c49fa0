/** RFC 4422: what a SASL mechanism is to the rest of the server: a dialogue that ends with an identity, or with a failure. */
import type { Maybe } from '../../util/maybe.ts'
import type { Random } from '../../util/random.ts'
import type { StoredCredentials } from '../credentials.ts'
import type { HashName } from '../digest.ts'
import type { KeyDerivation } from '../pbkdf2.ts'
import type { ChannelBindingType } from './channel-binding.ts'

export interface Mechanism {
  /** As registered with the IANA, such as `SCRAM-SHA-1-PLUS`. */
  readonly name: string
  /** The stronger is offered first. */
  readonly strength: number
  /** What must be there for the mechanism to be offered and begun. */
  readonly needs: readonly MechanismNeed[]
  /** The hash for which an account needs keys, if it does. */
  readonly hash?: HashName
  /** One try of one peer. */
  start(context: SaslContext): Dialogue
}

/**
 * `secure`: nobody listens who could read a password. `channel-binding`: the
 * channel has a type of binding to offer. `certified-address`: the peer has
 * shown a certificate for an address of the host.
 */
export type MechanismNeed = 'secure' | 'channel-binding' | 'certified-address'

export interface Dialogue {
  /**
   * Takes what the peer said, and answers it. Undefined, at the first step
   * only, means that the peer has said nothing yet. Throws or rejects with
   * `SaslFailure`; the dialogue is over then, as it is after a success.
   */
  step(data: Buffer | undefined): Maybe<Step>
}

export type Step =
  | { readonly kind: 'challenge'; readonly data: Buffer }
  | { readonly kind: 'success'; readonly identity: Identity; readonly mechanism: string; readonly data?: Buffer }

export interface Identity {
  /** The node of the account, prepared. */
  readonly username: string
  /** The bare JID that the peer asked to act as, if it asked: always the account's own. */
  readonly authzid?: string
}

/** What a mechanism may know and ask. A plain object, since it is copied; host and channel are fixed while it lives. */
export interface SaslEnvironment {
  /** The domain that accounts are looked for at, prepared. */
  readonly host: string
  /** Reads and prepares an address (RFC 7622); undefined if it is none. */
  readonly parseJid: (address: string) => Address | undefined
  /** Finds an account by its prepared node. An answer at hand keeps the whole login synchronous. */
  readonly lookup: (username: string) => Maybe<AccountRecord | undefined>
  /** Encrypted, or on a way that needs no encryption, such as a loopback listener. */
  readonly secure: boolean
  /** The types of channel binding that this channel has: those to be announced (XEP-0440). */
  readonly bindingTypes: readonly ChannelBindingType[]
  readonly channelBinding: (type: ChannelBindingType) => Buffer | undefined
  /** The hashes for which there are keys, where not for all; absent means all (XEP-0388 §2.1). */
  readonly hashes?: readonly HashName[]
  /** The certificate of the peer in DER, absent unless TLS has verified it. */
  readonly peerCertificate?: Buffer
  /** Whether SCRAM lets clients check what was offered (XEP-0474). Absent means yes. */
  readonly downgradeProtection?: boolean
  readonly random: Random
  readonly pbkdf2: KeyDerivation
  /** The same for as long as the server exists: salts of unknown users are made from it. At least 16 bytes. */
  readonly fakeSecret: Buffer
}

/** The environment, and what was offered in it. */
export interface SaslContext extends SaslEnvironment {
  /** Names, the strongest first. */
  readonly mechanismsOffered: readonly string[]
}

export interface AccountRecord {
  readonly credentials: StoredCredentials
  /** May not log in. Told only to those who know the password. */
  readonly disabled?: boolean
}

export interface Address {
  readonly node?: string | undefined
  readonly domain: string
  readonly resource?: string | undefined
}

/** For mechanisms in which the client speaks first, if it has not (RFC 4422 §5, 2a). */
export const EMPTY_CHALLENGE: Step = { kind: 'challenge', data: Buffer.alloc(0) }
