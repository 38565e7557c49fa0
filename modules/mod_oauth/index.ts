/** RFC 7628, XEP-0493: logging in with a token of an OpenID provider. */
import { AccountError } from '../../server/auth/accounts.ts'
import { oauthBearer } from '../../server/auth/sasl/oauthbearer.ts'
import { t } from '../../server/config/types.ts'
import { defineModule } from '../../server/host/module.ts'
import { Issuer } from './issuer.ts'
import { JsonClient } from './json-client.ts'
import { type Introspection, TokenJudge } from './token-judge.ts'

export default defineModule({
  name: 'oauth',
  about: 'lets clients log in with tokens of an OpenID provider',
  rfcs: [6750, 7628, 7662, 9068],
  xeps: { 493: '0.1.1' },
  on: [],
  depends: ['saslauth', 'accounts'],
  config: {
    issuer: t.url().describe('The OpenID provider, as it calls itself in its tokens.'),
    audience: t.list(t.string()).describe('Whom a token must be made out to: one of these.'),
    username_claim: t.string().default('preferred_username').describe('What in a token names the account.'),
    scope: t.string().optional().describe('What a token must allow; several words are all needed.'),
    create_accounts: t
      .boolean()
      .default(false)
      .describe('Whether an account is made for whoever comes with a good token and has none.'),
    introspection: t
      .object({
        client_id: t.string().optional().describe('Who we are to the provider; if not set, it is not asked.'),
        client_secret: t.secret().optional().describe('The password for that.'),
        endpoint: t.url().optional().describe('Where to ask; if not set, where the provider says itself.'),
        tokens: t
          .oneOf('opaque', 'all')
          .default('opaque')
          .describe('Which tokens it is asked about: those that we cannot read, or all of them.'),
      })
      .describe('Asking the provider about tokens (RFC 7662).'),
  },

  setup(host, { config }) {
    const accounts = host.service('accounts')
    const { clock } = host
    const json = new JsonClient(fetch, clock)
    const issuer = new Issuer(config.issuer, json, clock)
    const rules = {
      audience: config.audience,
      scope: config.scope,
      usernameClaim: config.username_claim,
      domain: host.domain,
    }
    const judge = new TokenJudge(issuer, rules, introspectionOf(), { json, clock })

    host.provide(
      'sasl-mechanism',
      oauthBearer({ discoveryUrl: issuer.discoveryUrl, scope: config.scope, judge: judgeOf, account: accountOf }),
    )

    function introspectionOf(): Introspection | undefined {
      const { client_id: clientId, client_secret: secret, endpoint, tokens } = config.introspection
      if (clientId === undefined) return undefined
      return { clientId, clientSecret: secret?.reveal() ?? '', endpoint, tokens }
    }

    async function judgeOf(token: string) {
      try {
        return await judge.judge(token)
      } catch (error) {
        host.log.warn('tokens cannot be checked', { error })
        throw error
      }
    }

    async function accountOf(node: string) {
      const account = await accounts.get(node)
      if (account !== undefined || !config.create_accounts || !accounts.writable) return account
      try {
        await accounts.createWith(node, {})
      } catch (error) {
        // Somebody else was faster, or the name is not to be had.
        if (!(error instanceof AccountError)) throw error
        host.log.info('no account for a token', { jid: `${node}@${host.domain}`, error })
      }
      return accounts.get(node)
    }
  },
})
