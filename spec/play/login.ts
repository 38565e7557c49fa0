/** What a client does until it has a resource: STARTTLS, SASL, bind (RFC 6120 §5–§7). */
import { NS } from './namespaces.ts'
import { type Credentials, mechanisms, onlyWhenAsked, type SaslDialogue } from './sasl.ts'
import { childOf, elementsOf, escapeXml, print, textOf, type XmlNode } from './xml-node.ts'

/** The server has not let the client in. */
export class LoginError extends Error {
  override readonly name = 'LoginError'
  /** The condition of SASL, of bind or of the stream, if the server named one. */
  readonly condition: string | undefined

  constructor(message: string, condition?: string, options?: ErrorOptions) {
    super(message, options)
    this.condition = condition
  }
}

/** One thing said, then one thing heard. */
export interface Conversation {
  send(element: string): void
  /** The next element. Throws `LoginError` if none comes. */
  next(): Promise<XmlNode>
}

/** Asks for TLS; the caller then secures the connection. Throws `LoginError` unless the server is ready. */
export async function askForTls(conversation: Conversation, features: XmlNode): Promise<void> {
  if (childOf(features, 'starttls', NS.tls) === undefined) throw new LoginError('the server does not offer STARTTLS')
  conversation.send(`<starttls xmlns='${NS.tls}'/>`)
  await expect(conversation, 'proceed', NS.tls)
}

/** Logs in with the mechanism asked for, or the best that is offered. Throws `LoginError`. */
export async function authenticate(
  conversation: Conversation,
  features: XmlNode,
  credentials: Credentials,
  asked: string | undefined,
): Promise<void> {
  const mechanism = chooseMechanism(features, asked)
  const dialogue = mechanisms.get(mechanism)?.(credentials)
  if (dialogue === undefined) throw new LoginError(`this client does not know the mechanism ${mechanism}`)
  const initial = dialogue.initial === undefined ? '' : encode(dialogue.initial) || '='
  conversation.send(`<auth xmlns='${NS.sasl}' mechanism='${mechanism}'>${initial}</auth>`)
  try {
    await converse(conversation, dialogue)
  } catch (error) {
    if (error instanceof LoginError || !(error instanceof Error)) throw error
    throw new LoginError(error.message, undefined, { cause: error })
  }
}

/** Binds a resource, and opens the session of RFC 3921 if the server insists; gives the full JID. */
export async function bind(
  conversation: Conversation,
  features: XmlNode,
  resource: string | undefined,
): Promise<string> {
  const wish = resource === undefined ? '' : `<resource>${escapeXml(resource)}</resource>`
  const bound = await request(conversation, 'bind', `<bind xmlns='${NS.bind}'>${wish}</bind>`)
  const jid = childOf(childOf(bound, 'bind', NS.bind) ?? bound, 'jid', NS.bind)
  if (jid === undefined) throw new LoginError(`no JID was bound: ${print(bound)}`)
  const session = childOf(features, 'session', NS.session)
  if (session !== undefined && childOf(session, 'optional', NS.session) === undefined) {
    await request(conversation, 'session', `<session xmlns='${NS.session}'/>`)
  }
  return textOf(jid)
}

/** The name of the condition of a stream error or a SASL failure. */
export function conditionOf(error: XmlNode, ns: string): string | undefined {
  return elementsOf(error).find((child) => child.ns === ns && child.name !== 'text')?.name
}

function chooseMechanism(features: XmlNode, asked: string | undefined): string {
  const list = childOf(features, 'mechanisms', NS.sasl)
  const offered = new Set(list === undefined ? [] : elementsOf(list).map(textOf))
  // What happens to a mechanism that was not offered is for the server to say.
  if (asked !== undefined) return asked
  const chosen = [...mechanisms.keys()].find((each) => offered.has(each) && !onlyWhenAsked.has(each))
  if (chosen === undefined)
    throw new LoginError(`no mechanism to log in with; offered: ${[...offered].join(' ') || 'none'}`)
  return chosen
}

async function converse(conversation: Conversation, dialogue: SaslDialogue): Promise<void> {
  for (;;) {
    const element = await conversation.next()
    if (element.ns !== NS.sasl) throw new LoginError(`unexpected during SASL: ${print(element)}`)
    const text = textOf(element)
    if (element.name === 'success') return dialogue.finish(text === '' ? undefined : decode(text))
    if (element.name === 'failure') {
      const condition = conditionOf(element, NS.sasl)
      throw new LoginError(`the login has failed: ${condition ?? print(element)}`, condition)
    }
    if (element.name !== 'challenge') throw new LoginError(`unexpected during SASL: ${print(element)}`)
    const response = encode(await dialogue.respond(decode(text)))
    conversation.send(`<response xmlns='${NS.sasl}'>${response}</response>`)
  }
}

async function request(conversation: Conversation, id: string, payload: string): Promise<XmlNode> {
  conversation.send(`<iq type='set' id='${id}'>${payload}</iq>`)
  const answer = await expect(conversation, 'iq', NS.client)
  if (answer.attributes.get('id') !== id) throw new LoginError(`an answer to something else: ${print(answer)}`)
  if (answer.attributes.get('type') === 'result') return answer
  const error = childOf(answer, 'error', NS.client)
  const condition = error === undefined ? undefined : conditionOf(error, NS.stanzaErrors)
  throw new LoginError(`${id} was refused: ${condition ?? print(answer)}`, condition)
}

async function expect(conversation: Conversation, name: string, ns: string): Promise<XmlNode> {
  const element = await conversation.next()
  if (element.name === name && element.ns === ns) return element
  throw new LoginError(`expected <${name}>, but received ${print(element)}`)
}

const encode = (text: string): string => Buffer.from(text).toString('base64')
const decode = (base64: string): string => Buffer.from(base64, 'base64').toString()
