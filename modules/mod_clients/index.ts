/** XEP-0494: Client Access Management. What has access to an account, told to its owner, who may take it back. */
import { nodeAt } from '../../server/admin/account-argument.ts'
import { CommandError } from '../../server/admin/command.ts'
import { t } from '../../server/config/types.ts'
import { defineModule } from '../../server/host/module.ts'
import { formatDateTime } from '../../server/protocol/date-time.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { xml } from '../../server/xml/element.ts'
import { map } from '../../storage/store.ts'
import { clientElement, NS_CAM } from './client-element.ts'
import { type Device, Devices, type SessionClient } from './devices.ts'
import { type Access, idOf, type KnownClient, KnownClients } from './known-clients.ts'

const MONTH = 30 * 86_400

export default defineModule({
  name: 'clients',
  about: 'tells people which clients have access to their account',
  xeps: { 494: '0.1.0' },
  on: ['local'],
  depends: ['saslauth', 'sasl2', 'accounts'],
  config: {
    keep: t
      .duration({ min: 1 })
      .default(3 * MONTH)
      .describe('How long clients are remembered that are not seen.'),
    keep_addresses: t.boolean().default(false).describe('Whether it is remembered from where they came.'),
  },
  stores: { clients: map<KnownClient>('clients') },

  setup(host, { config, stores }) {
    const accounts = host.service('accounts')
    if (accounts.anonymous) return
    const known = new KnownClients(stores.clients, host.clock, config.keep)
    const ofStreams = new WeakMap<Stream, SessionClient>()
    const ofSession = host.lastingSlot('client', (): { is: SessionClient | undefined } => ({ is: undefined }))
    const devices = new Devices(host, known, (session) => ofSession(session).is)

    host.provide('account-feature', NS_CAM)

    host.on('login/accepted', ({ node, stream, mechanism, client }) => {
      const { id: agent, software, device } = client ?? { id: undefined, software: undefined, device: undefined }
      const access = accessBy(mechanism)
      const id = agent === undefined ? host.random.id() : idOf(agent)
      ofStreams.set(stream, { id, agent, software, device, access, since: host.clock.now() })
      if (agent === undefined) return
      const address = config.keep_addresses ? stream.transport.address : undefined
      host.spawn('note a client', () => known.saw(node, { agent, software, device, access, address }))
    })

    for (const hook of ['session/bound', 'session/resumed'] as const) {
      host.on(hook, ({ session, stream }) => {
        const client = ofStreams.get(stream)
        if (client === undefined) return
        ofSession(session).is = client
        note(session, client)
      })
    }

    host.on('session/closed', ({ session }) => {
      const { is } = ofSession(session)
      if (is !== undefined) note(session, is)
    })

    host.on('account/password-changed', ({ node }) => {
      for (const session of host.account(`${node}@${host.domain}`)?.sessions ?? []) {
        const holder = ofSession(session)
        if (holder.is?.access === 'password') holder.is = { ...holder.is, access: undefined }
      }
      host.spawn('forget who knows the password', () => known.forgetPasswords(node))
    })

    host.iq({ type: 'get', ns: NS_CAM, name: 'list', at: 'self' }, async ({ origin, from }) => {
      requireUnrestricted(origin)
      return xml('clients', { xmlns: NS_CAM }, ...(await devices.of(from.node ?? '')).map(clientElement))
    })

    host.iq({ type: 'set', ns: NS_CAM, name: 'revoke', at: 'self' }, async ({ payload, origin, from }) => {
      requireUnrestricted(origin)
      const device = await find(from.node ?? '', payload.attrs['id'])
      if (device === undefined) throw new StanzaError('item-not-found')
      // Whoever knows the password comes back (XEP-0494 §3.2).
      if (device.hasPassword) {
        throw new StanzaError('service-unavailable', undefined, {
          extra: xml('password-reset-required', { xmlns: NS_CAM }),
        })
      }
      await devices.revoke(from.node ?? '', device)
    })

    host.command({
      name: 'device list',
      about: 'lists the clients that have access to an account',
      role: 'admin',
      args: { jid: t.jid() },
      async run({ jid }, report) {
        for (const device of await devices.of(nodeAt(host.domain, jid))) report(line(device))
      },
    })

    host.command({
      name: 'device revoke',
      about: 'ends the sessions of a client, and makes its tokens worthless',
      role: 'admin',
      args: { jid: t.jid(), id: t.string() },
      async run({ jid, id }, report) {
        const device = await find(nodeAt(host.domain, jid), id)
        if (device === undefined) throw new CommandError(`${jid.bare} has no client ${id}`)
        await devices.revoke(nodeAt(host.domain, jid), device)
        report(`${id} has no access any more`)
        if (device.hasPassword) report(`but it knows the password of ${jid.bare}: that has to be changed as well`)
      },
    })

    function note({ jid: { node = '' } }: ClientSession, { id, agent }: SessionClient): void {
      if (agent !== undefined) host.spawn('note a client', () => known.hasSession(node, id))
    }

    async function find(node: string, id: string | undefined): Promise<Device | undefined> {
      return (await devices.of(node)).find((device) => device.id === id)
    }

    function requireUnrestricted(session: ClientSession): void {
      if (!host.service('saslauth').isUnrestricted(session)) throw new StanzaError('forbidden')
    }
  },
})

function accessBy(mechanism: string): Access | undefined {
  if (mechanism === 'OAUTHBEARER') return 'grant'
  return /^(?:SCRAM-|PLAIN$)/.test(mechanism) ? 'password' : undefined
}

/** For people: everything on one line. */
function line(device: Device): string {
  const { id, software = 'unknown software', sessions, address } = device
  const name = device.device === undefined ? software : `${software} on ${device.device}`
  const access = [device.hasPassword && 'password', device.hasGrant && 'grant', device.hasTokens && 'tokens'].filter(
    (way) => way !== false,
  )
  const seen = sessions.length > 0 ? 'connected' : `last seen ${formatDateTime(new Date(device.lastSeen))}`
  return [id, name, access.join('+') || 'no lasting access', seen, address].filter(Boolean).join(', ')
}
