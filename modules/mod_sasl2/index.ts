/** XEP-0388 with XEP-0386 and XEP-0484: logging in, binding a resource and switching things on, in one exchange. */
import { lastingSecret } from '../../server/auth/lasting-secret.ts'
import { hashedTokenMechanisms } from '../../server/auth/sasl/hashed-token.ts'
import type { Outcome } from '../../server/auth/sasl/negotiator.ts'
import { SaslFailure } from '../../server/auth/sasl/sasl-failure.ts'
import { t } from '../../server/config/types.ts'
import { defineModule } from '../../server/host/module.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { StreamError } from '../../server/stream/stream-error.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { keyval, map } from '../../storage/store.ts'
import { requireClaimed } from './claimed.ts'
import { announceConfigVersion, NS_IAP } from './config-version.ts'
import { type Entering, Entrance } from './entrance.ts'
import { offerAuthentication } from './feature.ts'
import { type AuthenticateRequest, readRequest } from './request.ts'
import { TokenLogin } from './token-login.ts'
import { type ClientTokens, Tokens } from './tokens.ts'
import { Upgrade } from './upgrades.ts'

/** Those with which the client proves that it knows the password. */
const PASSWORD_MECHANISM = /^(?:SCRAM-|PLAIN$)/

/** What a client is told in the course of a task. */
interface Task {
  readonly kind: 'task'
  readonly element: Element
}

const MISMATCH = xml('config-version-mismatch', { xmlns: NS_IAP })

/** A login that was begun and has not ended. */
interface Begun {
  readonly request: AuthenticateRequest
  /** Who has proved to be whom, and has tasks to do before he is let in. */
  readonly upgrading?: { readonly upgrade: Upgrade; readonly proved: Proved }
}

interface Proved {
  readonly username: string
  readonly mechanism: string
}

/** The tokens with which clients of an account can log in (XEP-0484), for those who show and revoke them. */
export interface LoginTokens {
  /** When each installation of a client got its last one, in milliseconds since 1970; by its UUID. */
  tokensOf(node: string): Promise<ReadonlyMap<string, number>>
  /** Those of one installation. */
  revokeTokens(node: string, agent: string): Promise<void>
}

declare module '../../server/host/module.ts' {
  interface Services {
    sasl2: LoginTokens
  }
}

export default defineModule({
  name: 'sasl2',
  about: 'lets clients log in with one exchange',
  xeps: { 386: '1.1.0', 388: '1.0.4', 480: '0.2.0', 484: '0.2.0', 509: '0.2.0' },
  on: ['local'],
  depends: ['saslauth', 'bind', 'accounts'],
  config: {
    token_lifetime: t
      .duration({ min: 60 })
      .default(21 * 86_400)
      .describe('How long a client may stay away and still log in with its token.'),
    token_rotation: t
      .duration({ min: 0 })
      .default(86_400)
      .describe('After how long a token is replaced when it is used.'),
  },
  stores: { tokens: map<ClientTokens>('fast_tokens'), secrets: keyval<string>('sasl2') },

  async setup(host, { config, stores }): Promise<LoginTokens> {
    const logins = host.service('saslauth')
    const accounts = host.service('accounts')
    const begun = new WeakMap<Stream, Begun>()
    const times = { lifeSeconds: config.token_lifetime, rotateSeconds: config.token_rotation }
    const tokens = new Tokens(stores.tokens, host.clock, host.random, times)
    const tokenLogin = new TokenLogin(host, tokens)
    // The secret is what names of resources are made from.
    const entrance = new Entrance(host, tokens, await lastingSecret(stores.secrets, host.random))

    host.on('account/password-changed', ({ node }) => host.spawn('revoke tokens', () => tokens.revokeAll(node)))

    offerAuthentication(host, (stream) => tokenLogin.mechanisms(stream))
    const isCurrent = announceConfigVersion(host)

    host.nonza({ ns: NS.sasl2, name: 'authenticate' }, (stream, element) => {
      const version = element.child('config-version', NS_IAP)
      // Without prejudice: that counts as no failure, and leaves everything as it is (XEP-0509 §2.2).
      if (version !== undefined && !stream.facts.has('authenticated') && !isCurrent(stream, version)) {
        stream.send(failureElement(new SaslFailure('aborted', 'What is offered has changed'), MISMATCH))
        return undefined
      }
      return answer(stream, () => {
        // XEP-0388 §4.8.
        if (begun.get(stream)?.upgrading !== undefined)
          throw new StreamError('policy-violation', 'You have tasks to do')
        const request = readRequest(element)
        const hashed = hashedTokenMechanisms.find(({ name }) => name === request.mechanism)
        if (hashed !== undefined) return tokenLogin.enter(stream, request, hashed)
        begun.set(stream, { request })
        return logins.begin(stream, request.mechanism, request.initialResponse)
      })
    })

    host.nonza({ ns: NS.sasl2, name: 'next' }, (stream, next) =>
      answer(stream, () => ({ kind: 'task', element: upgradingOn(stream).upgrade.begin(next) })),
    )

    host.nonza({ ns: NS.sasl2, name: 'task-data' }, (stream, taskData) =>
      answer(stream, async () => {
        const { upgrade, proved } = upgradingOn(stream)
        await upgrade.finish(taskData)
        const due = upgrade.due()
        return due === undefined ? admit(stream, proved, undefined) : { kind: 'task', element: due }
      }),
    )

    host.nonza({ ns: NS.sasl2, name: 'response' }, (stream, response) =>
      answer(stream, () => logins.respond(stream, response.getText())),
    )

    host.nonza({ ns: NS.sasl2, name: 'abort' }, (stream) =>
      answer(stream, () => {
        throw logins.abort(stream)
      }),
    )

    return { tokensOf: (node) => tokens.of(node), revokeTokens: (node, agent) => tokens.revoke(node, agent) }

    async function answer(stream: Stream, step: () => Maybe<Outcome | Entering | Task>): Promise<void> {
      if (stream.facts.has('authenticated')) throw new StreamError('not-authorized', 'You have logged in already')
      try {
        const outcome = step()
        const settled = isPending(outcome) ? await outcome : outcome
        await take(stream, settled)
      } catch (error) {
        if (error instanceof StreamError || error instanceof StanzaError) throw error
        begun.delete(stream)
        const { failure, isLast } = await logins.failed(stream, error)
        stream.send(failureElement(failure))
        if (isLast) throw new StreamError('policy-violation', 'Too many failed logins')
      }
    }

    async function take(stream: Stream, outcome: Outcome | Entering | Task): Promise<void> {
      if (!('kind' in outcome)) return entrance.enter(outcome)
      if (outcome.kind === 'task') return void stream.send(outcome.element)
      if (outcome.kind === 'challenge') return void stream.send(xml('challenge', { xmlns: NS.sasl2 }, outcome.data))
      const { request } = begun.get(stream) ?? {}
      if (request === undefined) throw logins.refuse(stream, 'malformed-request')
      const { identity, mechanism, data } = outcome
      const proved = { username: identity.username, mechanism }
      requireClaimed(host, stream, proved.username)
      const upgrade = await upgradeFor(proved, request)
      if (upgrade === undefined) return entrance.enter(admit(stream, proved, data))
      begun.set(stream, { request, upgrading: { upgrade, proved } })
      const due = upgrade.due(data)
      if (due !== undefined) stream.send(due)
    }

    /** What the client can do for its account, now that it has proved to know the password (XEP-0480 §2.2). */
    async function upgradeFor({ username, mechanism }: Proved, request: AuthenticateRequest) {
      if (request.upgrades.length === 0 || !PASSWORD_MECHANISM.test(mechanism)) return undefined
      const account = await accounts.get(username)
      return account && Upgrade.plan(accounts, host.random, username, account, request.upgrades)
    }

    function upgradingOn(stream: Stream) {
      const { upgrading } = begun.get(stream) ?? {}
      if (upgrading === undefined) throw logins.refuse(stream, 'malformed-request', 'There is no task to do')
      return upgrading
    }

    function admit(stream: Stream, { username, mechanism }: Proved, data: string | undefined): Entering {
      const { request } = begun.get(stream) ?? {}
      if (request === undefined) throw logins.refuse(stream, 'malformed-request')
      begun.delete(stream)
      const jid = logins.accepted(stream, username, mechanism, request.userAgent)
      return { stream, jid, request, data, used: undefined }
    }
  },
})

function failureElement({ condition, text }: SaslFailure, detail?: Element): Element {
  return xml(
    'failure',
    { xmlns: NS.sasl2 },
    xml(condition, { xmlns: NS.sasl }),
    detail,
    text !== undefined && xml('text', { 'xml:lang': 'en' }, text),
  )
}
