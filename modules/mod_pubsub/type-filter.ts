/** XEP-0462: PubSub Type Filtering. */
import { formIn, readForm } from '../../server/protocol/raw-form.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Element } from '../../server/xml/element.ts'
import type { Node } from './node.ts'

export const NS_TYPE_FILTER = 'urn:xmpp:pubsub-filter:0'

/** Which nodes a request for a list wants to see; an empty type is that of nodes without one. Throws StanzaError. */
export function typeFilterIn(query: Element): (node: Node) => boolean {
  const filter = query.child('filter', NS_TYPE_FILTER)
  if (filter === undefined) return () => true
  const { fields } = readForm(formIn(filter))
  const [included, excluded] = ['included-types', 'excluded-types'].map((name) => fields.get(name)?.values)
  if (included !== undefined && excluded !== undefined) throw new StanzaError('bad-request', 'One or the other')
  const types = included ?? excluded
  if (types === undefined) return () => true
  return ({ config }) => types.includes(config.type) === (included !== undefined)
}
