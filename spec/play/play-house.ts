/** Our own server for plays: a clean one for each, all in this process. */
import { startOwnServer } from '../support/own-server.ts'
import { startPostgres, type TestPostgres } from '../support/postgres.ts'
import type { PlayAccount, PlayServer, StorageName } from './server.ts'

/** Starts servers; a PostgreSQL is started for them when first needed, and ends with the house. */
export class PlayHouse implements AsyncDisposable {
  #postgres: Promise<TestPostgres> | undefined

  readonly start = async (
    storage: StorageName,
    accounts: readonly PlayAccount[],
    config: string,
  ): Promise<PlayServer> => {
    const database = storage === 'postgres' ? await (await this.#database()).createDatabase() : undefined
    const own = await startOwnServer({ storage, ...(database && { postgresUrl: database.url }), config })
    await Promise.all(accounts.map(({ node, domain, password }) => own.accounts(domain).create(node, password)))
    const at = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port })
    const { c2s, c2s_tls: tls, http } = own.ports
    return {
      connect: { tcp: at(c2s), tls: at(tls), webSocketUrl: `ws://127.0.0.1:${http}/xmpp-websocket` },
      close: async () => {
        await own[Symbol.asyncDispose]()
        await database?.[Symbol.asyncDispose]()
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#postgres)?.[Symbol.asyncDispose]()
  }

  #database(): Promise<TestPostgres> {
    this.#postgres ??= startPostgres()
    return this.#postgres
  }
}
