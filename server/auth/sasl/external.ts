/** XEP-0178: EXTERNAL. The certificate that the client has shown to TLS says who it is. */
import { isPending, type Maybe } from '../../util/maybe.ts'
import { xmppAddresses } from './certificate.ts'
import { bareOf, identityOf } from './identity.ts'
import {
  EMPTY_CHALLENGE,
  type AccountRecord,
  type Dialogue,
  type Identity,
  type Mechanism,
  type SaslContext,
  type SaslEnvironment,
  type Step,
} from './mechanism.ts'
import { SaslFailure } from './sasl-failure.ts'
import { decodeUtf8 } from './text.ts'

export const external: Mechanism = {
  name: 'EXTERNAL',
  strength: 100,
  needs: ['secure', 'certified-address'],
  start: (context) => new ExternalDialogue(context),
}

/** The prepared nodes, each once, of the addresses of the host that the peer's certificate is for. */
export function certifiedNodes(
  environment: Pick<SaslEnvironment, 'host' | 'parseJid' | 'peerCertificate'>,
): readonly string[] {
  const { peerCertificate } = environment
  if (peerCertificate === undefined) return []
  const nodes = xmppAddresses(peerCertificate).map((address) => bareOf(address, environment))
  return [...new Set(nodes.filter((node) => node !== undefined))]
}

class ExternalDialogue implements Dialogue {
  readonly #context: SaslContext

  constructor(context: SaslContext) {
    this.#context = context
  }

  step(data: Buffer | undefined): Maybe<Step> {
    if (data === undefined) return EMPTY_CHALLENGE
    const authzid = decodeUtf8(data)
    if (authzid === undefined) throw new SaslFailure('malformed-request', 'An authorization identity is UTF-8')
    const identity = this.#choose(authzid)
    const account = this.#context.lookup(identity.username)
    return isPending(account) ? account.then((found) => admit(identity, found)) : admit(identity, account)
  }

  /** The one address of the certificate, or the one of several that was asked for (XEP-0178 §2, 11). */
  #choose(authzid: string): Identity {
    const nodes = certifiedNodes(this.#context)
    const [only] = nodes
    if (only === undefined) throw new SaslFailure('not-authorized')
    if (authzid === '' && nodes.length > 1) throw new SaslFailure('invalid-authzid', 'Several addresses: say which')
    const node = authzid === '' ? only : bareOf(authzid, this.#context)
    const identity = identityOf(node !== undefined && nodes.includes(node) ? node : undefined, authzid, this.#context)
    if (identity === undefined) throw new SaslFailure('not-authorized')
    return identity
  }
}

function admit(identity: Identity, account: AccountRecord | undefined): Step {
  if (account === undefined) throw new SaslFailure('not-authorized')
  if (account.disabled === true) throw new SaslFailure('account-disabled')
  return { kind: 'success', identity, mechanism: external.name }
}
