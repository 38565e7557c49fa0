/** The options of the server itself, and those that every host has. */
import { join } from 'node:path'
import { z } from 'zod'
import type { ListenAddress } from './listen-address.ts'
import type { Option, OptionsOf } from './option.ts'
import { t } from './types.ts'
import { MINUTE } from './units.ts'

const KIB = 1024
const MIB = 1024 * KIB

const logLevel = (): Option<LogLevel> => t.oneOf('error', 'warn', 'info', 'debug')
type LogLevel = 'error' | 'warn' | 'info' | 'debug'

const driver = (): Option<Driver> => t.oneOf('memory', 'sqlite', 'postgres')
type Driver = 'memory' | 'sqlite' | 'postgres'

const port = (number: number): Option<readonly ListenAddress[]> =>
  t.list(t.address()).default([{ host: undefined, port: number }])

const storageFields = {
  driver: driver()
    .default('sqlite')
    .describe('Where data is kept: in memory until the server stops, in a file, or in PostgreSQL.'),
  path: t.path().optional().describe('The file of the driver sqlite; if not set, madrigal.sqlite in `data`.'),
  url: t.secret().optional().describe('The database of the driver postgres: postgres://user:password@host/database.'),
  stores: t.map(driver()).default(new Map()).describe('Single stores that another driver keeps, by name.'),
}

/** All options at the top of the file but `modules` and `hosts`. */
export const serverFields = {
  data: t.path().default('data').describe('The folder of everything that must survive a restart.'),

  storage: t
    .object(storageFields)
    .refine(({ driver: main, stores, url }) => url !== undefined || ![main, ...stores.values()].includes('postgres'), {
      error: 'the driver postgres needs one, as in postgres://user:password@host/database',
      path: ['url'],
    })
    .describe('What keeps the data.'),

  listen: t
    .object({
      c2s: port(5222).describe('For clients that begin in the clear and then turn to TLS (STARTTLS).'),
      c2s_tls: port(5223).describe('For clients that begin with TLS (XEP-0368).'),
      http: port(5280).describe('For web clients, uploads and web pages, with TLS or without.'),
      component: t
        .list(t.address())
        .default([{ host: '127.0.0.1', port: 5347 }])
        .describe('For external components, if there is a host that is one; without TLS.'),
    })
    .describe('Ports, addresses ("127.0.0.1:5222", "[::1]:5222") or sockets ("unix:/path") to listen on; [] for none.'),

  control: t
    .path()
    .optional()
    .describe('The socket for the commands of `madrigal`; if not set, madrigal.sock in `data`.'),

  tls: t
    .object({
      certificates: t
        .path()
        .optional()
        .describe(
          'A folder with the certificates of the hosts, as certbot or acme.sh leave them; if not set, certificates in `data`.',
        ),
      min_version: t.oneOf('TLSv1.2', 'TLSv1.3').default('TLSv1.2').describe('Older versions are refused.'),
      client_authorities: t
        .path()
        .optional()
        .describe(
          'A file with the certificates, PEM, of those who may vouch for clients; if not set, no client is asked for a certificate.',
        ),
    })
    .describe('Encryption of connections.'),

  c2s: t
    .object({
      require_encryption: t
        .oneOf('auto', 'always', 'never')
        .default('auto')
        .describe('Whether clients must encrypt before they log in; auto lets only those on this machine do without.'),
      auth_timeout: t
        .duration({ min: 1, max: 60 * MINUTE })
        .default(30)
        .describe('How long a client may take to log in.'),
      close_timeout: t
        .duration({ min: 1, max: 10 * MINUTE })
        .default(5)
        .describe('How long we wait for a client to close its stream too.'),
      stanza_size: t
        .size({ min: 10_000, max: 64 * MIB })
        .default(256 * KIB)
        .describe('The largest stanza a client may send.'),
      pre_auth_stanza_size: t
        .size({ min: 1 * KIB, max: 64 * MIB })
        .default(8 * KIB)
        .describe('The same before it has logged in.'),
      rate: t
        .rate()
        .default(64 * KIB)
        .describe('How fast a client may send for long.'),
      burst: t
        .size({ min: 1 })
        .default(256 * KIB)
        .describe('How much it may send at once before `rate` slows it down.'),
      max_connections_per_address: t
        .integer({ min: 1 })
        .default(100)
        .describe('Connections at a time from one address.'),
      connections_per_second_per_address: t
        .integer({ min: 1 })
        .default(20)
        .describe('New connections from one address.'),
      backlog_size: t
        .size({ min: 64 * KIB })
        .default(4 * MIB)
        .describe('What may wait for a client that reads slowly; with more it is disconnected.'),
    })
    .describe('Connections of clients.'),

  components: t
    .object({
      stanza_size: t
        .size({ min: 10_000, max: 64 * MIB })
        .default(512 * KIB)
        .describe('The largest stanza a component may send.'),
      rate: t
        .rate()
        .default(4 * MIB)
        .describe('How fast a component may send for long.'),
      burst: t
        .size({ min: 1 })
        .default(16 * MIB)
        .describe('How much it may send at once before `rate` slows it down.'),
      backlog_size: t
        .size({ min: 64 * KIB })
        .default(16 * MIB)
        .describe('What may wait for a component that reads slowly; with more it is disconnected.'),
    })
    .describe('Connections of external components.'),

  log: t
    .object({
      level: logLevel().default('info').describe('The least important lines that are written.'),
      modules: t.map(logLevel()).default(new Map()).describe('Other levels for single modules, by name.'),
      format: t
        .oneOf('auto', 'text', 'json')
        .default('auto')
        .describe('For people, or for machines; auto writes text to a terminal only.'),
      file: t.path().optional().describe('A file to write to; if not set, the standard output.'),
    })
    .describe('What the server tells of itself.'),

  admins: t.list(t.jid()).default([]).describe('Who may administer all hosts.'),

  plugin_paths: t.list(t.path()).default([]).describe('Folders with modules of your own.'),

  required_modules: t
    .list(t.string())
    .default([])
    .describe('Modules without which the server does not start; of others it only reports that they failed.'),
}

const certificateFields = {
  certificate: t.path().describe('The certificate and its chain, PEM.'),
  key: t.path().describe('Its key, PEM.'),
}

/** What can be written at any host. */
export const hostFields = {
  admins: t.list(t.jid()).default([]).describe('Who may administer this host, besides those who may all.'),
  tls: t
    .object(certificateFields)
    .optional()
    .describe('The certificate of this host, if it is in no folder for certificates.'),
}

/** What can be written at a host with accounts. */
export const localHostFields = {
  ...hostFields,
  anonymous: t.boolean().default(false).describe('Whether guests may log in without an account.'),
}

/** A part of the file that is checked elsewhere. */
export const elsewhere: Option<unknown> = z.unknown().optional()

type Written = OptionsOf<typeof serverFields>

/** Options of the server, with the places in `data` filled in. */
export interface ServerOptions extends Omit<Written, 'control' | 'storage' | 'tls'> {
  readonly control: string
  readonly storage: Written['storage'] & { readonly path: string }
  readonly tls: Written['tls'] & { readonly certificates: string }
}

/** What there are addresses to listen on for. */
export const entrances = ['c2s', 'c2s_tls', 'http', 'component'] as const satisfies readonly (keyof Written['listen'])[]

export function serverOptions({ control, storage, tls, ...others }: Written): ServerOptions {
  const inData = (name: string): string => join(others.data, name)
  return {
    ...others,
    control: control ?? inData('madrigal.sock'),
    storage: { ...storage, path: storage.path ?? inData('madrigal.sqlite') },
    tls: { ...tls, certificates: tls.certificates ?? inData('certificates') },
  }
}
