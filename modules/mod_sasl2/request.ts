/** XEP-0388 §2.3: what a client asks for when it logs in. */
import { parseBoolean } from '../../server/protocol/xsd.ts'
import type { Element } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { LoginClient } from '../mod_saslauth/index.ts'
import { NS_UPGRADE } from './upgrades.ts'

export const NS_FAST = 'urn:xmpp:fast:0'

export interface AuthenticateRequest {
  readonly mechanism: string
  /** Base64; undefined if there was none. */
  readonly initialResponse: string | undefined
  readonly userAgent: LoginClient
  readonly bind: Element | undefined
  readonly resume: Element | undefined
  /** The mechanism of the token that the client wants for its next login (XEP-0484 §3.2). */
  readonly wantsToken: string | undefined
  /** The client logs in with a token (XEP-0484 §3.4), perhaps for the last time (§3.6). */
  readonly token: { readonly isLast: boolean } | undefined
  /** Names of the tasks that the client would do for its account (XEP-0480 §2.2). */
  readonly upgrades: readonly string[]
}

const LONGEST_TEXT = 128
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function readRequest(authenticate: Element): AuthenticateRequest {
  const agent = authenticate.child('user-agent')
  const id = agent?.attrs['id']
  const fast = authenticate.child('fast', NS_FAST)
  return {
    mechanism: authenticate.attrs['mechanism'] ?? '',
    initialResponse: authenticate.child('initial-response')?.getText(),
    userAgent: {
      id: id !== undefined && UUID.test(id) ? id.toLowerCase() : undefined,
      software: textOf(agent, 'software'),
      device: textOf(agent, 'device'),
    },
    bind: authenticate.child('bind', NS.bind2),
    resume: authenticate.child('resume', NS.sm),
    wantsToken: authenticate.child('request-token', NS_FAST)?.attrs['mechanism'],
    token: fast && { isLast: parseBoolean(fast.attrs['invalidate'] ?? 'false') ?? false },
    upgrades: authenticate.elements
      .filter(({ name, ns }) => name === 'upgrade' && ns === NS_UPGRADE)
      .map((upgrade) => upgrade.getText().trim()),
  }
}

function textOf(agent: Element | undefined, name: string): string | undefined {
  return agent?.child(name)?.getText().slice(0, LONGEST_TEXT)
}
