/** XEP-0049: Private XML Storage. */
import { defineModule } from '../server/host/module.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { type Element, xml } from '../server/xml/element.ts'
import { parseElement } from '../server/xml/parse.ts'
import { map } from '../storage/store.ts'

const NS_PRIVATE = 'jabber:iq:private'
/** Elements that an account may keep here. */
const MOST_ELEMENTS = 200

export default defineModule({
  name: 'private',
  about: "keeps clients' settings",
  xeps: { 49: '1.2' },
  on: ['local'],
  stores: { elements: map<string>('private') },

  setup(host, { stores: { elements } }) {
    host.feature(NS_PRIVATE)

    host.iq({ type: 'get', ns: NS_PRIVATE, name: 'query', at: 'self' }, async ({ payload, from }) => {
      const asked = onlyChild(payload)
      const kept = await elements.get(ownerOf(from.node), keyOf(asked))
      return xml('query', { xmlns: NS_PRIVATE }, kept === undefined ? asked : parseElement(kept))
    })

    host.iq({ type: 'set', ns: NS_PRIVATE, name: 'query', at: 'self' }, async ({ payload, from }) => {
      const owner = ownerOf(from.node)
      if (payload.elements.length === 0) throw new StanzaError('bad-request', 'There is nothing to keep')
      const kept = await elements.all(owner)
      for (const element of payload.elements) {
        if (!kept.has(keyOf(element)) && kept.size >= MOST_ELEMENTS) throw new StanzaError('resource-constraint')
        await elements.set(owner, keyOf(element), element.toString())
      }
    })
  },
})

/** A query asks for one element (XEP-0049 §3.1). */
function onlyChild(query: Element): Element {
  const [asked, other] = query.elements
  if (asked === undefined || other !== undefined) throw new StanzaError('bad-request', 'Ask for exactly one element')
  return asked
}

/** Elements are told apart by name and namespace; one of our own would be a way around the rules (§4). */
function keyOf({ name, ns }: Element): string {
  if (ns === '' || ns === NS_PRIVATE)
    throw new StanzaError('not-acceptable', 'The element needs a namespace of its own')
  return `${ns} ${name}`
}

function ownerOf(node: string | undefined): string {
  if (node === undefined) throw new StanzaError('forbidden')
  return node
}
