/** XEP-0049: Private XML Storage. */
import { defineModule } from '../server/host/module.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { type Element, xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'
import { parseElement } from '../server/xml/parse.ts'
import { map } from '../storage/store.ts'

/** What an account may keep here: elements, and characters of all together. */
const MOST_ELEMENTS = 200
const MOST_CHARS = 1024 * 1024
/** Of name and namespace together. */
const LONGEST_KEY = 500

export default defineModule({
  name: 'private',
  about: "keeps clients' settings",
  xeps: { 49: '1.2' },
  on: ['local'],
  stores: { elements: map<string>('private') },

  setup(host, { stores: { elements } }) {
    host.feature(NS.private)

    // Nobody else learns that there is anything to ask for (XEP-0049 §2.3).
    host.iq({ type: 'get', ns: NS.private, name: 'query', at: 'self' }, async ({ payload, to }) => {
      const asked = onlyChild(payload)
      const kept = await elements.get(to.node ?? '', keyOf(asked))
      return xml('query', { xmlns: NS.private }, kept === undefined ? asked : parseElement(kept))
    })

    host.iq({ type: 'set', ns: NS.private, name: 'query', at: 'self' }, async ({ payload, to }) => {
      if (payload.elements.length === 0) throw new StanzaError('bad-request', 'There is nothing to keep')
      const node = to.node ?? ''
      const given = new Map(payload.elements.map((element) => [keyOf(element), element.toString()]))
      checkSize(new Map([...(await elements.all(node)), ...given]))
      await elements.setMany(node, given)
    })
  },
})

/** A query asks for one element (XEP-0049 §2). */
function onlyChild(query: Element): Element {
  const [asked, other] = query.elements
  if (asked === undefined || other !== undefined) throw new StanzaError('bad-request', 'Ask for exactly one element')
  return asked
}

/** Elements are told apart by name and namespace, and need one of their own (XEP-0049 §2). */
function keyOf({ name, ns }: Element): string {
  if (ns === '' || ns === NS.private) {
    throw new StanzaError('not-acceptable', 'The element needs a namespace of its own')
  }
  const key = `${ns} ${name}`
  if (Buffer.byteLength(key) > LONGEST_KEY) throw new StanzaError('not-acceptable', 'The name is too long')
  return key
}

function checkSize(elements: ReadonlyMap<string, string>): void {
  let chars = 0
  for (const text of elements.values()) chars += text.length
  if (elements.size > MOST_ELEMENTS || chars > MOST_CHARS) throw new StanzaError('resource-constraint')
}
