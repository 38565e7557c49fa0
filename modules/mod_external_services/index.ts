/** XEP-0215: External Service Discovery. Tells clients of servers for their calls (STUN, TURN), and lets them in. */
import { t } from '../../server/config/types.ts'
import type { IqRequest } from '../../server/host/host.ts'
import { defineModule } from '../../server/host/module.ts'
import type { Jid } from '../../server/jid/jid.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { paced } from '../../server/util/paced.ts'
import { iq } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { credentialsFor } from './credentials.ts'
import { changesBetween, type ExternalService, serviceOptions, servicesOf } from './services.ts'

const NS = 'urn:xmpp:extdisco:2'

const DAY = 86_400

/** Clients that are told of changes without a pause. */
const SLICE = { count: 50, pauseMilliseconds: 50 }

/** What a client has asked for, and what was there then. */
interface Known {
  readonly type: string | undefined
  readonly services: readonly ExternalService[]
}

export default defineModule({
  name: 'external_services',
  about: 'tells clients of servers for calls, and lets them in',
  xeps: { 215: '1.0.0' },
  on: [],
  config: {
    ...serviceOptions,
    expire_after: t
      .duration({ min: 60, max: 365 * DAY })
      .default(DAY)
      .describe('How long credentials last that are made for a client.'),
  },

  setup(host, { config }) {
    const services = servicesOf(config)
    const known = host.slot('known', () => ({ last: undefined as Known | undefined }))
    host.feature(NS)

    host.iq({ type: 'get', ns: NS, name: 'services', at: 'host' }, (request) => {
      const session = requireClient(request)
      const { type } = request.payload.attrs
      known(session).last = { type, services }
      const told = ofType(services, type).map((service) => elementOf(service, session.jid))
      return xml('services', { xmlns: NS, type }, ...told)
    })

    host.iq({ type: 'get', ns: NS, name: 'credentials', at: 'host' }, (request) => {
      const { jid } = requireClient(request)
      const [wanted, another] = request.payload.elements.filter((child) => child.ns === NS && child.name === 'service')
      const { type, host: where, port } = wanted?.attrs ?? {}
      if (another !== undefined || type === undefined || where === undefined) {
        throw new StanzaError('bad-request', 'Credentials are for one service, with its host and type')
      }
      const found = services.filter(
        (service) =>
          service.access !== undefined &&
          service.type === type &&
          service.host === where &&
          (port === undefined || String(service.port) === port),
      )
      if (found.length === 0) throw new StanzaError('item-not-found')
      return xml('credentials', { xmlns: NS }, ...found.map((service) => elementOf(service, jid)))
    })

    // After new options, to those who know the old ones (§3.2).
    const sessions = Array.from(host.accounts).flatMap((account) => Array.from(account.sessions))
    host.spawn('tell of changes', (signal) =>
      paced(sessions, tellChanges, { ...SLICE, clock: host.clock, signal }).then(() => {}),
    )

    function tellChanges(session: ClientSession): void {
      const { last } = known(session)
      if (last === undefined || last.services === services) return
      known(session).last = { ...last, services }
      const changes = changesBetween(ofType(last.services, last.type), ofType(services, last.type))
      if (changes.length === 0) return
      const told = changes.map(({ action, service }) => elementOf(service, session.jid, action))
      session.send(
        iq(
          { type: 'set', from: host.domain, to: session.jid.full, id: host.random.id() },
          xml('services', { xmlns: NS, type: last.type }, ...told),
        ),
      )
    }

    /** Services may cost something: they are for those who are at home here. */
    function requireClient({ from }: IqRequest): ClientSession {
      const session = host.account(from.bare)?.session(from.resource ?? '')
      if (session === undefined) throw new StanzaError('forbidden', 'For clients of this server only')
      return session
    }

    function elementOf(service: ExternalService, who: Jid, action?: 'add' | 'delete' | 'modify'): Element {
      const { access, port, ...attributes } = service
      const credentials =
        access === undefined || action === 'delete'
          ? {}
          : { restricted: '1', ...credentialsFor(access, who, host.clock.now() + config.expire_after * 1000) }
      return xml('service', { action, ...attributes, port: port?.toString(), ...credentials })
    }
  },
})

function ofType(services: readonly ExternalService[], type: string | undefined): readonly ExternalService[] {
  return type === undefined ? services : services.filter((service) => service.type === type)
}
