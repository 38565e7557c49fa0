/** Where plays are acted: a clean server for each, in this process, or one that runs somewhere. */
import type { ServerAddress } from './connection.ts'

export const storages = ['memory', 'sqlite', 'postgres'] as const
export type StorageName = (typeof storages)[number]

/** Someone who can log in. */
export interface PlayAccount {
  readonly node: string
  readonly domain: string
  readonly password: string
}

/** A server for one play. */
export interface PlayServer {
  /** On this machine; ports or unix sockets that are free at the moment. */
  readonly connect: ServerAddress
  /** Resolves when it is done with everything that it has read, or after a while; absent if it cannot tell. */
  readonly settled?: () => Promise<void>
  /** Ends it, and removes what it has stored. */
  close(): Promise<void>
}

/** Starts a server that has these accounts, and nothing else in its storage; `config` is YAML. */
export type PlayServerFactory = (
  storage: StorageName,
  accounts: readonly PlayAccount[],
  config: string,
) => Promise<PlayServer>
