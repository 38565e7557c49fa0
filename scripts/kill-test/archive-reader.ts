/** Reads an archive to its end (XEP-0313, XEP-0059). */
import { childOf, textOf, type XmlNode } from '../../spec/play/xml-node.ts'
import type { ManagedClient } from './managed-client.ts'

const NS_MAM = 'urn:xmpp:mam:2'
const NS_RSM = 'http://jabber.org/protocol/rsm'
const NS_FORWARD = 'urn:xmpp:forward:0'

/** A message in an archive. */
export interface Archived {
  readonly archiveId: string
  /** As its sender has called it. */
  readonly id: string
}

/** What was archived after the item with that id, or all; of the account of the client, or of `room`. */
export async function readArchive(
  client: ManagedClient,
  results: Map<string, XmlNode[]>,
  after: string | undefined,
  room?: string,
): Promise<readonly Archived[]> {
  const found: Archived[] = []
  let from = after
  for (let page = 1; ; page++) {
    const queryId = `${client.bare} ${room ?? ''} ${page}`
    const rest = from === undefined ? '' : `<after>${from}</after>`
    results.set(queryId, [])
    const set = `<set xmlns='${NS_RSM}'><max>100</max>${rest}</set>`
    const answer = await client.request('set', `<query xmlns='${NS_MAM}' queryid='${queryId}'>${set}</query>`, room)
    const fin = childOf(answer, 'fin', NS_MAM)
    if (fin === undefined) throw new Error(`${client.bare}: the archive was not read`)
    for (const result of results.get(queryId) ?? []) found.push(archivedIn(result))
    results.delete(queryId)
    from = found.at(-1)?.archiveId ?? from
    if (fin.attributes.get('complete') === 'true') return found
  }
}

/** The result of a query that a message brings, if it does. */
export function resultIn(message: XmlNode): { readonly queryId: string; readonly result: XmlNode } | undefined {
  const result = childOf(message, 'result', NS_MAM)
  return result && { queryId: result.attributes.get('queryid') ?? '', result }
}

function archivedIn(result: XmlNode): Archived {
  const forwarded = childOf(result, 'forwarded', NS_FORWARD)
  const message = forwarded && childOf(forwarded, 'message', 'jabber:client')
  const id = message?.attributes.get('id') ?? (message === undefined ? '' : textOf(message))
  return { archiveId: result.attributes.get('id') ?? '', id }
}
