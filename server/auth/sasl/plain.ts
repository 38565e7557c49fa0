/** RFC 4616: PLAIN. The password itself, on a channel that nobody else reads. */
import { fakeCredentials, hasPassword, PASSWORD_HASH, verifyPassword, type StoredCredentials } from '../credentials.ts'
import { HashingBusy } from '../pbkdf2.ts'
import { identityOf, nodeOf } from './identity.ts'
import { EMPTY_CHALLENGE, type Dialogue, type Mechanism, type SaslContext, type Step } from './mechanism.ts'
import { SaslFailure } from './sasl-failure.ts'
import { decodeUtf8 } from './text.ts'

export const plain: Mechanism = {
  name: 'PLAIN',
  strength: 10,
  needs: ['secure'],
  start: (context) => new PlainDialogue(context),
}

class PlainDialogue implements Dialogue {
  readonly #context: SaslContext

  constructor(context: SaslContext) {
    this.#context = context
  }

  async step(data: Buffer | undefined): Promise<Step> {
    if (data === undefined) return EMPTY_CHALLENGE
    const { authzid, username, password } = parse(data)
    const node = nodeOf(username, this.#context)
    const identity = identityOf(node, authzid, this.#context)
    const account = node === undefined ? undefined : await this.#context.lookup(node)

    // A user who is unknown or has no password costs as much time as a wrong password.
    const own = account?.credentials
    const credentials = own !== undefined && hasPassword(own) ? own : this.#fake(node ?? username)
    const isRight = await this.#verify(credentials, password)
    if (!isRight || account === undefined || identity === undefined) throw new SaslFailure('not-authorized')
    if (account.disabled === true) throw new SaslFailure('account-disabled')
    return { kind: 'success', identity, mechanism: plain.name }
  }

  #fake(username: string): StoredCredentials {
    const { fakeSecret, host } = this.#context
    return { [PASSWORD_HASH]: fakeCredentials(fakeSecret, `${username}@${host}`, PASSWORD_HASH) }
  }

  async #verify(credentials: StoredCredentials, password: string): Promise<boolean> {
    try {
      return await verifyPassword(credentials, password, this.#context.pbkdf2)
    } catch (cause) {
      if (cause instanceof HashingBusy) throw new SaslFailure('temporary-auth-failure', undefined, { cause })
      throw cause
    }
  }
}

interface PlainMessage {
  readonly authzid: string
  readonly username: string
  readonly password: string
}

/** `[authzid] NUL authcid NUL passwd`, and no NUL anywhere else (RFC 4616 §2). */
function parse(data: Buffer): PlainMessage {
  const parts = decodeUtf8(data)?.split('\0')
  const [authzid, username, password] = parts ?? []
  if (authzid === undefined || parts?.length !== 3 || !username || !password) {
    throw new SaslFailure('malformed-request', 'PLAIN has three parts')
  }
  return { authzid, username, password }
}
