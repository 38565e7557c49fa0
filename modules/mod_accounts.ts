/** Accounts in the host's own storage, with SCRAM keys instead of passwords (RFC 5802). */
import { isDeepStrictEqual } from 'node:util'
import { AccountError, type AccountRole, type Accounts, type StoredAccount } from '../server/auth/accounts.ts'
import { makeCredentials, type StoredCredentials } from '../server/auth/credentials.ts'
import type { HashName } from '../server/auth/digest.ts'
import { PartialPasswords } from '../server/auth/partial-passwords.ts'
import type { ModuleHost } from '../server/host/host.ts'
import { defineModule } from '../server/host/module.ts'
import { StreamError } from '../server/stream/stream-error.ts'
import { OneAtATime } from '../server/util/one-at-a-time.ts'
import { keyval } from '../storage/store.ts'

declare module '../server/host/module.ts' {
  interface Services {
    accounts: Accounts
  }
}

export default defineModule({
  name: 'accounts',
  about: 'keeps the accounts of the host',
  rfcs: [5802, 7677],
  on: ['local'],
  stores: {
    accounts: keyval<StoredAccount>('accounts'),
    partial: keyval<readonly HashName[]>('partial_passwords'),
  },

  async setup(host, { stores }) {
    if (host.anonymous) return anonymousAccounts(host)
    const store = stores.accounts
    const partial = await PartialPasswords.load(stores.partial)
    /** What makes and changes an account: one at a time for each. */
    const turns = new OneAtATime()

    // A client may have logged in before its account was removed or disabled, and bind only now.
    host.on(
      'session/binding',
      async ({ account: { jid } }) => {
        const account = await store.get(jid.node ?? '')
        if (account === undefined || account.disabled === true) throw new StreamError('not-authorized')
      },
      'guard',
    )

    const accounts: Accounts = {
      anonymous: false,
      writable: true,
      get: (node) => store.get(node),
      exists: async (node) => (await store.get(node)) !== undefined,

      create: (node, password, role = 'user') =>
        turns.run(node, async () => {
          await requireFree(node)
          await make(node, await credentialsFor(password), role)
        }),

      createWith: (node, credentials, role = 'user') =>
        turns.run(node, async () => {
          await requireFree(node)
          await make(node, credentials, role)
        }),

      setPassword: (node, password) =>
        turns.run(node, async () => {
          const account = await required(node)
          const credentials = await credentialsFor(password)
          await store.set(node, { ...account, credentials })
          await partial.note(node, credentials)
          host.announce('account/password-changed', { node })
          host.log.info('password changed', { jid: `${node}@${host.domain}` })
        }),

      addKeys: (node, hash, keys, password) =>
        turns.run(node, async () => {
          const account = await required(node)
          if (!isDeepStrictEqual(account.credentials, password)) return false
          const credentials = { ...account.credentials, [hash]: keys }
          await store.set(node, { ...account, credentials })
          await partial.note(node, credentials)
          return true
        }),

      hashesOf: (node) => partial.hashesOf(node),

      update: (node, change: { role?: AccountRole; disabled?: boolean }) =>
        turns.run(node, async () => {
          await store.set(node, { ...(await required(node)), ...change })
          if (change.disabled === true) endSessions(node, 'This account is disabled')
        }),

      remove: (node, beforeClosing) =>
        turns.run(node, async () => {
          await required(node)
          // Whoever has something to say in the name of the account says it while it still exists.
          await host.fire('account/removing', { node })
          // From here on nobody can log in.
          await store.set(node, undefined)
          await beforeClosing?.()
          endSessions(node, 'This account was removed')
          await host.purge(node)
          await partial.note(node)
          host.announce('account/removed', { node })
          host.log.info('account removed', { jid: `${node}@${host.domain}` })
        }),

      list: () => store.owners(),
    }
    return accounts

    function credentialsFor(password: string) {
      return makeCredentials(password, { pbkdf2: host.pbkdf2, random: host.random })
    }

    async function requireFree(node: string): Promise<void> {
      if ((await store.get(node)) !== undefined)
        throw new AccountError('exists', `${node}@${host.domain} exists already`)
      await host.fire('account/creating', { node })
    }

    async function make(node: string, credentials: StoredCredentials, role: AccountRole): Promise<void> {
      // Nothing of an earlier owner of the name is left, even if we crashed while that account was removed.
      await host.purge(node)
      await store.set(node, { credentials, role, createdAt: host.clock.now() })
      await partial.note(node, credentials)
      host.announce('account/created', { node })
      host.log.info('account created', { jid: `${node}@${host.domain}` })
    }

    async function required(node: string): Promise<StoredAccount> {
      const account = await store.get(node)
      if (account === undefined) throw new AccountError('missing', `there is no account ${node}@${host.domain}`)
      return account
    }

    function endSessions(node: string, text: string): void {
      const sessions = [...(host.account(`${node}@${host.domain}`)?.sessions ?? [])]
      for (const session of sessions) host.closeSession(session, new StreamError('not-authorized', text))
    }
  },
})

/** Nobody has an account, and whoever is there has one for as long as he is. */
function anonymousAccounts(host: ModuleHost): Accounts {
  const refuse = async (): Promise<never> => {
    throw new AccountError('unsupported', `${host.domain} has no accounts: clients log in anonymously`)
  }
  host.on('session/closed', ({ session: { account } }) => {
    if (account.size === 0) host.spawn('forget an anonymous client', () => host.purge(account.jid.node ?? ''))
  })
  return {
    anonymous: true,
    writable: false,
    get: () => undefined,
    exists: (node) => host.account(`${node}@${host.domain}`) !== undefined,
    create: refuse,
    createWith: refuse,
    setPassword: refuse,
    addKeys: refuse,
    hashesOf: () => undefined,
    update: refuse,
    remove: refuse,
    async *list() {
      for (const { jid } of host.accounts) yield jid.node ?? ''
    },
  }
}
