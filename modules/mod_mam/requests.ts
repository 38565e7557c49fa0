/** XEP-0313 §4, §5, XEP-0441 §2: what clients ask of their archives. */
import type { ModuleHost } from '../../server/host/host.ts'
import { answerQuery, metadataElement } from '../../server/protocol/archive-answer.ts'
import { archiveFormElement } from '../../server/protocol/archive-query.ts'
import type { ArchiveReader } from '../../server/protocol/archive-reader.ts'
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
    const node = account.jid.node ?? ''
    await tombstones.settled(node)
    return answerQuery(reader, node, payload, {
      pages,
      send: (result) => void origin.send(message({ to: jid.full, from: account.jid.bare }, result)),
      isStable: !writes.takeLoss(node),
    })
  })

  host.iq({ type: 'get', ns: NS.mam, name: 'query', at: 'self' }, () => archiveFormElement())

  host.provide('bound-info', ({ jid }) => metadataElement(reader, jid.node ?? ''))
  host.iq({ type: 'get', ns: NS.mam, name: 'metadata', at: 'self' }, ({ from }) =>
    metadataElement(reader, from.node ?? ''),
  )

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
