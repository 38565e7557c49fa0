/** Services outside of XMPP, as they are configured (XEP-0215 §2). */
import type { Secret } from '../../server/config/secret.ts'
import { type OptionsOf, t } from '../../server/config/types.ts'

/** How one gets in: with what is known for good, or with credentials that are made of a secret and expire. */
export type Access =
  | { readonly kind: 'fixed'; readonly username: string | undefined; readonly password: Secret | undefined }
  | { readonly kind: 'made'; readonly secret: Secret }

export interface ExternalService {
  readonly type: string
  readonly host: string
  readonly port: number | undefined
  readonly transport: string | undefined
  readonly name: string | undefined
  /** Undefined if anybody may use it. */
  readonly access: Access | undefined
}

const serviceFields = {
  type: t.string().describe('What it is: stun, turn, turns, ftp, …'),
  host: t.string().describe('Its domain or address.'),
  port: t.port().optional().describe('Its port.'),
  transport: t.oneOf('udp', 'tcp').optional().describe('How it is reached.'),
  name: t.string().optional().describe('What people call it.'),
  username: t.string().optional().describe('With which everybody gets in.'),
  password: t.secret().optional().describe('The same.'),
  secret: t.secret().optional().describe('Which it shares with us, to make credentials for each client.'),
}

const turnFields = {
  host: t.string().describe('Its domain or address.'),
  secret: t.secret().describe('Which it shares with us: `static-auth-secret` of coturn.'),
  port: t.port().default(3478).describe('For UDP and TCP.'),
  tls_port: t.port().optional().describe('For TLS, such as 5349; not set, it is said to speak none.'),
}

export const serviceOptions = {
  turn: t.object(turnFields).optional().describe('A server for STUN and TURN, for calls.'),
  services: t
    .list(
      t
        .object(serviceFields)
        .refine(({ secret, username, password }) => secret === undefined || (username ?? password) === undefined, {
          error: 'either secret, or username and password',
        }),
    )
    .default([])
    .describe('Others, each with type, host, port, transport, name, and username and password or secret.'),
}

type Options = OptionsOf<typeof serviceOptions>

/** In the order in which they are told. */
export function servicesOf({ turn, services }: Options): readonly ExternalService[] {
  const others = services.map(({ secret, username, password, ...service }) => ({
    ...service,
    access: accessOf(secret, username, password),
  }))
  return turn === undefined ? others : [...servicesOfTurn(turn), ...others]
}

function accessOf(
  secret: Secret | undefined,
  username: string | undefined,
  password: Secret | undefined,
): Access | undefined {
  if (secret !== undefined) return { kind: 'made', secret }
  return username === undefined && password === undefined ? undefined : { kind: 'fixed', username, password }
}

function servicesOfTurn({ host, secret, port, tls_port: tlsPort }: OptionsOf<typeof turnFields>) {
  const access: Access = { kind: 'made', secret }
  const common = { host, port, name: undefined }
  const services: ExternalService[] = [
    { ...common, type: 'stun', transport: 'udp', access: undefined },
    { ...common, type: 'turn', transport: 'udp', access },
    { ...common, type: 'turn', transport: 'tcp', access },
  ]
  if (tlsPort !== undefined) services.push({ ...common, type: 'turns', transport: 'tcp', port: tlsPort, access })
  return services
}

/** What has become of a service, as clients are told (§3.2). */
export interface Change {
  readonly action: 'add' | 'delete' | 'modify'
  readonly service: ExternalService
}

export function changesBetween(
  before: readonly ExternalService[],
  after: readonly ExternalService[],
): readonly Change[] {
  const known = new Map(before.map((service) => [keyOf(service), service]))
  const now = new Set(after.map(keyOf))
  return [
    ...before.filter((service) => !now.has(keyOf(service))).map((service) => ({ action: 'delete', service }) as const),
    ...after.flatMap((service): readonly Change[] => {
      const former = known.get(keyOf(service))
      if (former === undefined) return [{ action: 'add', service }]
      return isSame(former, service) ? [] : [{ action: 'modify', service }]
    }),
  ]
}

/** What names a service. */
function keyOf({ type, host, port, transport }: ExternalService): string {
  return JSON.stringify([type, host, port, transport])
}

function isSame(one: ExternalService, other: ExternalService): boolean {
  return one.name === other.name && isSameAccess(one.access, other.access)
}

function isSameAccess(one: Access | undefined, other: Access | undefined): boolean {
  if (one?.kind === 'made' && other?.kind === 'made') return one.secret.equals(other.secret)
  if (one?.kind !== 'fixed' || other?.kind !== 'fixed') return one === other
  return one.username === other.username && one.password?.reveal() === other.password?.reveal()
}
