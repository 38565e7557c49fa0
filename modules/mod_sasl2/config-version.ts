/** XEP-0509: clients that know what they will be offered log in along with the header of their stream. */
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { ModuleHost } from '../../server/host/host.ts'
import type { StreamFeature } from '../../server/host/provisions.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { type Element, xml } from '../../server/xml/element.ts'

export const NS_IAP = 'urn:xmpp:iap:0'

const MOST_VERSIONS = 32

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
  // There are few situations in which streams are.
  const versions = new LRUCache<string, string>({ max: MOST_VERSIONS })
  return (stream, { attrs }) => attrs['value'] === versionOf(stream)

  /** The same as long as what is offered is the same (§2.3.1). */
  function versionOf(stream: Stream): string {
    const { facts } = stream
    let offered = ''
    for (const other of host.items('stream-feature')) {
      const mayBe = other.needs.every((fact) => facts.has(fact)) && !other.forbids.some((fact) => facts.has(fact))
      if (mayBe && other !== feature) offered += other.offer(stream)?.toString() ?? ''
    }
    const version = versions.get(offered) ?? createHash('sha256').update(offered).digest('base64url')
    versions.set(offered, version)
    return version
  }
}
