/** The elements that clients and server say to each other about their stanzas (XEP-0198 §3–§5). */
import type { ModuleHost } from '../../server/host/host.ts'
import { parseInteger } from '../../server/protocol/xsd.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { StreamError } from '../../server/stream/stream-error.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { written } from '../../server/xml/raw-element.ts'
import type { StreamManagement } from './index.ts'
import type { Managed } from './managed.ts'
import { WRAP } from './unacked.ts'

const FEATURE = written(xml('sm', { xmlns: NS.sm }))

export function setupNonzas(
  host: ModuleHost,
  { enable, resume }: Pick<StreamManagement, 'enable' | 'resume'>,
  managed: (session: ClientSession) => Managed | undefined,
): void {
  host.streamFeature({
    needs: ['authenticated'],
    forbids: ['bound'],
    offer: () => FEATURE,
  })

  host.provide('bind-feature', {
    ns: NS.sm,
    apply(session, bind) {
      const request = bind.child('enable', NS.sm)
      return request && enable(session, request)
    },
  })

  host.nonza({ ns: NS.sm, name: 'enable' }, (stream, request) => {
    const session = sessionOf(stream)
    stream.send(session === undefined ? failed('unexpected-request') : enable(session, request))
  })

  host.nonza({ ns: NS.sm, name: 'resume' }, async (stream, request) => {
    const done = await resume(stream, request)
    stream.send('failed' in done ? done.failed : done.resumed)
    if ('take' in done) done.take()
  })

  host.nonza({ ns: NS.sm, name: 'r' }, (stream) => stateOf(stream).answer())

  host.nonza({ ns: NS.sm, name: 'a' }, (stream, ack) => {
    acknowledge(stateOf(stream), ack.attrs['h'])
  })

  function stateOf(stream: Stream): Managed {
    const session = sessionOf(stream)
    const state = session && managed(session)
    if (state === undefined) throw new StreamError('unsupported-stanza-type', 'Stream management is not enabled')
    return state
  }

  function sessionOf({ identity, facts }: Stream): ClientSession | undefined {
    if (!facts.has('bound') || identity?.resource === undefined) return undefined
    return host.account(identity.bare)?.session(identity.resource)
  }
}

/** The answer to a request that cannot be granted; `h` is what was handled of the session that was meant. */
export function failed(condition: string, h?: string): Element {
  return xml('failed', { xmlns: NS.sm, h }, xml(condition, { xmlns: NS.stanzas }))
}

function acknowledge(state: Managed, text: string | undefined): void {
  const h = parseInteger(text ?? '', { min: 0, max: WRAP - 1 })
  if (h === undefined) throw new StreamError('policy-violation', 'An acknowledgement needs a count')
  if (state.acknowledged(h)) return
  // XEP-0198 §6: nobody can have handled what was never sent.
  const counts = { h: String(h), 'send-count': String(state.unacked.sent % WRAP) }
  throw new StreamError('undefined-condition', undefined, xml('handled-count-too-high', { xmlns: NS.sm, ...counts }))
}
