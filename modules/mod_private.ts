/** XEP-0049: Private XML Storage. */
import type { Chain } from '../server/host/hooks.ts'
import { defineModule } from '../server/host/module.ts'
import type { Jid } from '../server/jid/jid.ts'
import { handled } from '../server/routed-stanza.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { type Element, xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'
import { parseElement } from '../server/xml/parse.ts'
import { map } from '../storage/store.ts'

/** For modules that keep some of this elsewhere. */
export interface PrivateStorage {
  get(account: Jid, kind: Kind): Promise<Element | undefined>
  remove(account: Jid, kind: Kind): Promise<void>
}

type Kind = Pick<Element, 'name' | 'ns'>

declare module '../server/host/module.ts' {
  interface Services {
    private: PrivateStorage
  }
}

declare module '../server/host/events.ts' {
  interface HostHooks {
    /** A client wants an element back. `kept` is what we have; a handler may put something else in its place. */
    'private/asked': Chain<{ readonly account: Jid; readonly asked: Element; kept: Element | undefined }>
    /** A client gives an element to be kept. Whoever has handled it keeps it. */
    'private/given': Chain<{ readonly account: Jid; readonly element: Element }>
  }
}

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
    const storage: PrivateStorage = {
      async get({ node = '' }, kind) {
        const kept = await elements.get(node, keyOf(kind))
        return kept === undefined ? undefined : parseElement(kept)
      },
      remove: ({ node = '' }, kind) => elements.set(node, keyOf(kind), undefined),
    }

    // Nobody else learns that there is anything to ask for (XEP-0049 §2.3).
    host.iq({ type: 'get', ns: NS.private, name: 'query', at: 'self' }, async ({ payload, to }) => {
      const asked = onlyChild(payload)
      const shape = { account: to, asked, kept: await storage.get(to, asked) }
      await host.fire('private/asked', shape)
      return xml('query', { xmlns: NS.private }, shape.kept ?? asked)
    })

    host.iq({ type: 'set', ns: NS.private, name: 'query', at: 'self' }, async ({ payload, to }) => {
      if (payload.elements.length === 0) throw new StanzaError('bad-request', 'There is nothing to keep')
      const node = to.node ?? ''
      const given = new Map<string, string>()
      for (const element of payload.elements) {
        const key = keyOf(element)
        if ((await host.fire('private/given', { account: to, element })) !== handled) given.set(key, element.toString())
      }
      checkSize(new Map([...(await elements.all(node)), ...given]))
      await elements.setMany(node, given)
    })

    return storage
  },
})

/** A query asks for one element (XEP-0049 §2). */
function onlyChild(query: Element): Element {
  const [asked, other] = query.elements
  if (asked === undefined || other !== undefined) throw new StanzaError('bad-request', 'Ask for exactly one element')
  return asked
}

/** Elements are told apart by name and namespace, and need one of their own (XEP-0049 §2). */
function keyOf({ name, ns }: Kind): string {
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
