/** XEP-0357 §5, §6: what clients ask for: that a push service be told what they miss, or no longer. */
import { fieldsOf, FORM_TYPE } from '../../server/protocol/raw-form.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Element } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'

export const NS_PUSH = 'urn:xmpp:push:0'
/** Tigase's extension: push services are told what is urgent. Of use to phones that decide by that what they show. */
export const NS_PRIORITY = 'tigase:push:priority:0'
export const PUBLISH_OPTIONS = 'http://jabber.org/protocol/pubsub#publish-options'

/** A field of the publish options, as the client has written it. */
export interface OptionField {
  readonly var: string
  readonly type?: string | undefined
  readonly values: readonly string[]
}

/** A push service that a client has enabled. */
export interface Registration {
  /** The address of the service, prepared. */
  readonly jid: string
  readonly node?: string | undefined
  /** Sent along with everything that is published (§5); it may hold a secret. */
  readonly options?: readonly OptionField[] | undefined
  /** The client wants it to be told what is urgent. */
  readonly priority?: boolean | undefined
  /** The resource of the client that has enabled it: whose misses count. */
  readonly resource: string
  /** In milliseconds since 1970. */
  readonly enabledAt: number
}

/** Parts of an `<enable/>` that are not known from elsewhere. */
export type Enabled = Pick<Registration, 'node' | 'options' | 'priority'>

/** Characters that the options of a service may have, and the name of its node. */
const MOST_CHARS = 4096
const LONGEST_NODE = 1024

/** Throws StanzaError if there is more in it than we keep. */
export function readEnable(enable: Element): Enabled {
  const options = optionsIn(enable)
  if (JSON.stringify(options ?? []).length > MOST_CHARS) {
    throw new StanzaError('policy-violation', 'The publish options are too long')
  }
  return { node: nodeIn(enable), options, priority: enable.child('priority', NS_PRIORITY) && true }
}

/** The node that is named, if one is. Throws StanzaError if it is too long. */
export function nodeIn({ attrs: { node } }: Element): string | undefined {
  if (node !== undefined && node.length > LONGEST_NODE)
    throw new StanzaError('policy-violation', 'The node is too long')
  return node
}

/** A service may be enabled once for each of its nodes (§5). Neither part holds a line end. */
export function keyOf({ jid, node = '' }: Pick<Registration, 'jid' | 'node'>): string {
  return `${jid}\n${node}`
}

/** Clients send them as forms of any type, and other forms with them: only the FORM_TYPE counts. */
function optionsIn(enable: Element): readonly OptionField[] | undefined {
  const forms = enable.elements.filter(({ name, ns }) => name === 'x' && ns === NS.dataForms).map(fieldsOf)
  const form = forms.find((fields) =>
    fields.some(({ var: name, values }) => name === FORM_TYPE && values[0] === PUBLISH_OPTIONS),
  )
  return form?.flatMap(({ var: name, type, values }) =>
    name === undefined || name === FORM_TYPE ? [] : { var: name, type, values },
  )
}
