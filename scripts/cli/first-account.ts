/** The first start: an account for the admin, and what to do next. */
import type { Accounts } from '../../server/auth/accounts.ts'
import type { Server } from '../../server/server.ts'
import { SystemRandom } from '../../server/util/random.ts'

const ADMIN = 'admin'

/** If nobody has an account yet, makes one for the admin and tells its password, which is kept nowhere. */
export async function firstAccount(server: Server, out: { write(text: string): unknown }): Promise<void> {
  const [domain] = server.hosts.domains('local')
  if (domain === undefined) return
  // The module of that name gives this service.
  const accounts = server.hosts.get(domain)?.loader.service('accounts') as Accounts | undefined
  if (accounts === undefined || !accounts.writable) return
  for await (const _ of accounts.list()) return
  const password = new SystemRandom().id()
  await accounts.create(ADMIN, password, 'admin')
  const rooms = server.hosts.domains('muc')
  const ports = server.front.listeners.flatMap(({ entrance, address }) =>
    entrance === 'component' ? [] : [`${address} (${NAMES[entrance]})`],
  )
  const lines = [
    `Welcome. This is the first start, so there is an account for you now:`,
    ``,
    `    ${ADMIN}@${domain}`,
    `    password  ${password}`,
    ``,
    `It is shown only once; change it with your client or: madrigal user passwd ${ADMIN}@${domain}`,
    `Connect any XMPP client to ${ports.join(', ')}.`,
    ...(rooms.length === 0 ? [] : [`Rooms are on ${rooms.join(', ')}: join or create one such as lounge@${rooms[0]}.`]),
    `More accounts: madrigal user add someone@${domain}. Your own settings: madrigal init.`,
  ]
  out.write(`\n${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}\n\n`)
}

const NAMES = { c2s: 'STARTTLS', c2s_tls: 'TLS', http: 'WebSocket at /xmpp-websocket' } as const
