/** XEP-0509: clients that know what they will be offered log in along with the header of their stream. */
import { createHash } from 'node:crypto'
import type { ModuleHost } from '../../server/host/host.ts'
import type { StreamFeature } from '../../server/host/provisions.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { type Element, xml } from '../../server/xml/element.ts'

export const NS_IAP = 'urn:xmpp:iap:0'

/** Announces the version of what streams are offered. Gives whether a client knows the one of its stream (§2.2). */
export function announceConfigVersion(host: ModuleHost): (stream: Stream, element: Element) => boolean {
  const feature: StreamFeature = {
    needs: [],
    forbids: ['authenticated'],
    offer(stream) {
      if (stream.needsTls) return undefined
      return xml('config-version', { xmlns: NS_IAP, scheme: 'opaque', value: versionOf(stream) })
    },
  }
  host.streamFeature(feature)
  return (stream, { attrs }) => attrs['value'] === versionOf(stream)

  /** The same as long as what is offered is the same (§2.3.1). */
  function versionOf(stream: Stream): string {
    const hash = createHash('sha256')
    for (const other of host.items('stream-feature')) {
      const isOffered = other !== feature && other.forbids.every((fact) => !stream.facts.has(fact))
      if (isOffered && other.needs.every((fact) => stream.facts.has(fact)))
        hash.update(String(other.offer(stream) ?? ''))
    }
    return hash.digest('base64url')
  }
}
