/** XEP-0060 §8.7: owners look through all requests to subscribe, by an ad-hoc command (XEP-0050). */
import type { Jid } from '../../server/jid/jid.ts'
import { renderForm } from '../../server/protocol/data-form.ts'
import { formIn, readForm, valueIn } from '../../server/protocol/raw-form.ts'
import { handled, type Handled, type StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { reply } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { Node } from './node.ts'
import type { Service } from './service.ts'
import { askToDecide, NS_AUTHORIZATION } from './subscribing.ts'

const COMMAND = `${NS.pubsub}#get-pending`

/** Requests that are shown at once; whoever decides about them can ask again. */
const MOST_SHOWN = 200

export function isPendingCommand(stanza: Stanza): boolean {
  if (stanza.type !== 'set' || stanza.payload?.ns !== NS.commands) return false
  return stanza.childAt(0)?.attrs['node'] === COMMAND
}

/** Answers the command. Throws StanzaError. */
export function takePendingCommand(service: Service, { stanza, from, to, origin }: StanzaEvent): Handled {
  const command = stanza.childAt(0)
  if (command === undefined) throw new StanzaError('bad-request')
  const { status, form, node } = step(service, from, command)
  const { sessionid = service.rules.random.id() } = command.attrs
  const answer = xml('command', { xmlns: NS.commands, node: COMMAND, sessionid, status }, form)
  // Whoever has named no addressee has asked their account.
  origin.send(reply(stanza, answer).with({ from: stanza.to ?? to.full }))
  if (node === undefined) return handled
  for (const address of pendingOf(node).slice(0, MOST_SHOWN)) askToDecide(service, node, address, [from.bare])
  return handled
}

interface Step {
  readonly status: 'executing' | 'completed' | 'canceled'
  readonly form?: Element
  /** Whose requests shall be shown. */
  readonly node?: Node
}

function step(service: Service, who: Jid, command: Element): Step {
  if (command.attrs['action'] === 'cancel') return { status: 'canceled' }
  const submitted = formIn(command)
  if (submitted === undefined) return { status: 'executing', form: nodesForm(service, who) }
  const form = readForm(submitted)
  if (form.action === 'cancel') return { status: 'canceled' }
  const node = service.require(valueIn(form, 'pubsub#node'))
  if (service.affiliationOf(node, who) !== 'owner') throw new StanzaError('forbidden')
  return { status: 'completed', node }
}

/** The nodes that somebody decides about, and where there is something to decide. */
function nodesForm(service: Service, who: Jid): Element {
  const own = [...service.nodes].filter((node) => service.affiliationOf(node, who) === 'owner')
  if (own.length === 0) throw new StanzaError('forbidden')
  const options = own.filter((node) => pendingOf(node).length > 0).map(({ id }) => ({ value: id }))
  return renderForm({ type: NS_AUTHORIZATION, fields: [{ type: 'list-single', var: 'pubsub#node', options }] })
}

function pendingOf({ subscriptions }: Node): readonly string[] {
  return [...subscriptions].filter(([, { state }]) => state === 'pending').map(([address]) => address)
}
