/** Messages on their way to the clients that have the apps. */
import type { ModuleHost } from '../../server/host/host.ts'
import { type StanzaCondition, StanzaError } from '../../server/stanza-error.ts'
import { xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Endpoints } from './endpoints.ts'
import type { Deliver, Delivered } from './http.ts'

/** How long a client may take to answer before the server of the app is: the message is with it by then. */
const PATIENCE_SECONDS = 10
/** Messages that may wait for a client that does not answer: more would fill what is kept for it (XEP-0198). */
const MOST_UNANSWERED = 32

/** The app is not there any more, or nobody who knows it. All other errors pass. */
const FINAL: ReadonlySet<StanzaCondition> = new Set(['item-not-found', 'feature-not-implemented'])

export function setupDelivery(host: ModuleHost<never>, endpoints: Endpoints): Deliver {
  const unanswered = host.slot('unanswered', () => ({ count: 0 }))
  host.on('session/resumed', ({ session }) => {
    unanswered(session).count = 0
  })

  return async (place, { application, instance, resource }, message) => {
    const account = host.jid.withNode(place.node)
    const session = host.account(account.bare)?.session(resource)
    if (session === undefined || unanswered(session).count >= MOST_UNANSWERED) return 'unavailable'
    unanswered(session).count++
    const payload = xml('push', { xmlns: NS.unifiedPush, application, instance }, message.toString('base64'))
    const answered = host.request({ from: host.jid, to: session.jid, type: 'set', payload }).then(
      (): Delivered => {
        unanswered(session).count = 0
        return 'accepted'
      },
      async (error: unknown): Promise<Delivered> => {
        const condition = error instanceof StanzaError ? error.condition : 'internal-server-error'
        // Nobody has answered in time: it may still wait for the client.
        if (condition === 'remote-server-timeout') return 'accepted'
        unanswered(session).count = 0
        if (!FINAL.has(condition)) return 'unavailable'
        await endpoints.remove(place)
        return 'revoked'
      },
    )
    const { promise, resolve } = Promise.withResolvers<Delivered>()
    using _ = host.after(PATIENCE_SECONDS, 'answer the server of an app', () => resolve('accepted'))
    return await Promise.race([answered, promise])
  }
}
