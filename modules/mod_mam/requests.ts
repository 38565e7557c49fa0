/** XEP-0313 §4, §5, XEP-0441 §2: what clients ask of their archives. */
import type { ModuleHost } from '../../server/host/host.ts'
import { type ArchiveReader, finElement, resultElement } from '../../server/protocol/archive-page.ts'
import { archiveFormElement, readArchiveQuery } from '../../server/protocol/archive-query.ts'
import { pageSize } from '../../server/protocol/rsm.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { message } from '../../server/xml/build.ts'
import { NS } from '../../server/xml/ns.ts'
import { preferencesElement, readPreferences } from './preferences.ts'
import type { Tombstones } from './tombstones.ts'
import type { Wishes } from './wishes.ts'
import type { Writes } from './writes.ts'

export interface Answers {
  readonly reader: ArchiveReader
  readonly wishes: Wishes
  readonly tombstones: Tombstones
  readonly writes: Writes
  /** How many messages a page has. */
  readonly pages: { readonly usual: number; readonly limit: number }
}

export function setupRequests(host: ModuleHost, { reader, wishes, tombstones, writes, pages }: Answers): void {
  host.iq({ type: 'set', ns: NS.mam, name: 'query', at: 'self' }, async ({ payload, origin }) => {
    const { jid, account } = origin
    const request = readArchiveQuery(payload)
    const node = account.jid.node ?? ''
    await tombstones.settled(node)
    const page = await reader.page(node, request, pageSize(request.page, pages))
    const items = request.isFlipped ? page.items.toReversed() : page.items
    for (const item of items) {
      origin.send(message({ to: jid.full, from: account.jid.bare }, resultElement(item, request.queryId)))
    }
    return finElement(page, { isStable: !writes.takeLoss(node) })
  })

  host.iq({ type: 'get', ns: NS.mam, name: 'query', at: 'self' }, () => archiveFormElement())

  host.iq({ type: 'get', ns: NS.mam, name: 'metadata', at: 'self' }, ({ from }) => reader.metadata(from.node ?? ''))

  host.iq({ type: 'get', ns: NS.mam, name: 'prefs', at: 'self' }, async ({ origin }) => {
    const { stored } = await wishes.of(origin.account)
    return preferencesElement(stored)
  })

  host.iq({ type: 'set', ns: NS.mam, name: 'prefs', at: 'self' }, async ({ payload, origin }) => {
    const wanted = readPreferences(payload)
    await wishes.change(origin.account, wanted)
    return preferencesElement(wanted)
  })

  // An archive is for nobody but its owner (XEP-0313 §8.1).
  const refuse = (): never => {
    throw new StanzaError('forbidden')
  }
  for (const name of ['query', 'metadata', 'prefs']) {
    host.iq({ type: 'get', ns: NS.mam, name, at: 'account' }, refuse)
    host.iq({ type: 'set', ns: NS.mam, name, at: 'account' }, refuse)
  }
}
