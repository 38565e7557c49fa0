/** XEP-0077: In-Band Registration, of new accounts and of changes to one's own. */
import { MalformedPassword } from '../../server/auth/password.ts'
import { AccountError } from '../../server/auth/accounts.ts'
import { t } from '../../server/config/types.ts'
import type { Chain, Query } from '../../server/host/hooks.ts'
import type { IqRequest } from '../../server/host/host.ts'
import { defineModule } from '../../server/host/module.ts'
import { type Jid, JidError } from '../../server/jid/jid.ts'
import type { Origin } from '../../server/routed-stanza.ts'
import { ClientSession } from '../../server/session/client-session.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { StreamError } from '../../server/stream/stream-error.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { RegistrationRates } from './rates.ts'

declare module '../../server/host/events.ts' {
  interface HostHooks {
    /** Whether somebody may register though registration is closed to others, since they were invited. */
    'register/invitation': Query<{ readonly stream: Stream }, Invitation>
    /** Somebody wants an account; throw to refuse. */
    'register/creating': Chain<Registering>
  }
}

export interface Invitation {
  /** The name that the account must have; undefined if any will do. */
  readonly node: string | undefined
}

/** An account that is about to be made. */
export interface Registering {
  readonly node: string
  readonly address: string
  readonly form: Element
  readonly stream: Stream
  /** Runs once it is known whether there is an account now. */
  readonly afterwards: (run: (outcome: 'made' | 'refused') => Maybe<void>) => void
}

const NS_FEATURE = 'http://jabber.org/features/iq-register'

export default defineModule({
  name: 'register',
  about: 'lets people make, change and remove their accounts',
  xeps: { 77: '2.4' },
  on: ['local'],
  depends: ['accounts'],
  config: {
    open: t.boolean().default(false).describe('Whether anybody may make an account.'),
    per_hour: t.integer({ min: 1 }).default(3).describe('Accounts that may be made from one address in an hour.'),
  },

  setup(host, { config }) {
    const accounts = host.service('accounts')
    const isOpen = config.open && accounts.writable
    const rates = isOpen ? new RegistrationRates(config.per_hour, host.clock) : undefined

    host.feature(NS.register)
    if (isOpen) {
      host.streamFeature({
        needs: [],
        forbids: ['authenticated'],
        offer: ({ needsTls }) => (needsTls ? undefined : xml('register', { xmlns: NS_FEATURE })),
      })
    }

    host.streamIq({ type: 'get', ns: NS.register, name: 'query' }, (stream) => blankForm(admit(stream)))

    host.streamIq({ type: 'set', ns: NS.register, name: 'query' }, async (stream, form) => {
      const invitation = admit(stream)
      const { address, local } = stream.transport
      const node = nodeOf(form)
      const password = textOf(form, 'password')
      await tryTo(async (afterwards) => {
        await host.fire('register/creating', { node, address, form, stream, afterwards })
        // Whoever was invited could not have come without.
        if (!local && invitation === undefined && rates?.allow(address) !== true)
          throw new StanzaError('resource-constraint', 'Too many new accounts; try later')
        await refusing(() => accounts.create(node, password))
      })
    })

    for (const at of ['host', 'self'] as const) {
      host.iq({ type: 'get', ns: NS.register, name: 'query', at }, ({ origin, from }) => {
        if (origin.kind !== 'client' || from.domain !== host.domain) throw new StanzaError('service-unavailable')
        return registeredForm(from)
      })
      host.iq({ type: 'set', ns: NS.register, name: 'query', at }, async (request) => {
        const { payload, from, origin } = request
        if (origin.kind !== 'client' || from.domain !== host.domain) throw new StanzaError('forbidden')
        if (!accounts.writable) throw new StanzaError('not-allowed')
        if (!mayChangeAccount(origin)) throw new StanzaError('forbidden', 'That takes the password of the account')
        if (payload.child('remove') === undefined) return changePassword(payload, from)
        // XEP-0077 §3.2.
        if (payload.elements.length > 1) throw new StanzaError('bad-request')
        await remove(request)
        return undefined
      })
    }

    function mayChangeAccount(origin: Origin): boolean {
      return origin instanceof ClientSession && host.optionalService('saslauth')?.isUnrestricted(origin) !== false
    }

    /** Until the account is gone. Its streams are closed when the answer has been sent (XEP-0077 §3.2). */
    function remove(request: IqRequest): Promise<void> {
      const gone = Promise.withResolvers<void>()
      const answered = Promise.withResolvers<void>()
      request.afterAnswer(answered.resolve)
      host.spawn('remove an account', async () => {
        try {
          await accounts.remove(request.from.node ?? '', () => {
            gone.resolve()
            return answered.promise
          })
        } catch (error) {
          gone.reject(error)
          throw error
        }
      })
      return gone.promise
    }

    /** Throws unless a new account may be made on that stream. Gives the invitation, if that is the reason. */
    function admit(stream: Stream): Invitation | undefined {
      const invitation = accounts.writable ? host.fire('register/invitation', { stream }) : undefined
      // A client that may not register here is told so, and has to go (XEP-0077 §3.1.1, §4).
      if (!isOpen && invitation === undefined)
        throw new StanzaError('service-unavailable', 'Accounts are made by the admin of this server')
      if (stream.facts.has('authenticated')) throw new StanzaError('not-allowed', 'You have an account already')
      if (stream.needsTls) throw new StreamError('policy-violation', 'Encrypt the connection first')
      return invitation
    }

    async function changePassword(form: Element, from: Jid): Promise<undefined> {
      if (nodeOf(form) !== from.node) throw new StanzaError('bad-request', 'That is not the name of your account')
      await refusing(() => accounts.setPassword(from.node ?? '', textOf(form, 'password')))
      return undefined
    }

    function nodeOf(form: Element): string {
      try {
        const { node } = host.jid.withNode(textOf(form, 'username'))
        if (node !== undefined) return node
      } catch (error) {
        if (!(error instanceof JidError)) throw error
      }
      throw new StanzaError('not-acceptable', 'That name cannot be used')
    }
  },
})

function blankForm({ node }: Partial<Invitation> = {}): Element {
  return xml(
    'query',
    { xmlns: NS.register },
    xml('instructions', {}, 'Choose a username and a password.'),
    xml('username', {}, node),
    xml('password', {}),
  )
}

function registeredForm({ node = '' }: Jid): Element {
  return xml('query', { xmlns: NS.register }, xml('registered', {}), xml('username', {}, node), xml('password', {}))
}

function textOf(form: Element, name: string): string {
  const text = form.child(name)?.getText() ?? ''
  if (text === '') throw new StanzaError('not-acceptable', `The ${name} is missing`)
  return text
}

/** Runs what makes an account, and then what waits for how that went. */
async function tryTo(make: (afterwards: Registering['afterwards']) => Promise<void>): Promise<void> {
  const waiting: ((outcome: 'made' | 'refused') => Maybe<void>)[] = []
  const tell = async (outcome: 'made' | 'refused'): Promise<void> => {
    for (const run of waiting) await run(outcome)
  }
  try {
    await make((run) => void waiting.push(run))
  } catch (error) {
    await tell('refused')
    throw error
  }
  await tell('made')
}

/** Runs what changes an account; what it refuses becomes an answer. */
async function refusing(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (error instanceof AccountError && error.reason === 'exists')
      throw new StanzaError('conflict', 'That name is taken')
    if (error instanceof AccountError && error.reason === 'refused') throw new StanzaError('conflict', error.message)
    if (error instanceof MalformedPassword) throw new StanzaError('not-acceptable', error.message)
    throw error
  }
}
