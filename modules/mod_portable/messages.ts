/** XEP-0227 §4.5, §4.11: the archive, and messages that have not been delivered. */
import { Jid } from '../../server/jid/jid.ts'
import { archivedElement, resultElement } from '../../server/protocol/archive-answer.ts'
import { parseDateTime } from '../../server/protocol/date-time.ts'
import type { Element } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import type { ArchiveItem, ArchiveStore, NewArchiveItem, Owner } from '../../storage/store.ts'
import { NS_PORTABLE, type Part } from './part.ts'

export function archivePart(messages: ArchiveStore): Part {
  return {
    things: 'archived messages',

    async *write({ node = '' }) {
      yield `<archive xmlns='${NS_PORTABLE}#mam'>`
      for await (const item of all(messages, node))
        yield resultElement(item, undefined, archivedElement(item)).toString()
      yield '</archive>'
    },

    read(account, element, list) {
      if (list !== 'archive' || element.name !== 'result' || element.ns !== NS.mam) return undefined
      const item = readResult(account, element)
      return item === undefined ? Promise.resolve(0) : messages.append(account.node ?? '', item).stored.then(() => 1)
    },
  }
}

export function offlinePart(messages: ArchiveStore, now: () => number): Part {
  return {
    things: 'waiting messages',

    async *write({ node = '' }) {
      yield '<offline-messages>'
      for await (const item of all(messages, node)) yield archivedElement(item).toString()
      yield '</offline-messages>'
    },

    read({ node = '' }, element, list) {
      const stanza = list === 'offline-messages' ? Stanza.fromElement(element) : undefined
      if (stanza?.name !== 'message') return undefined
      const from = Jid.tryParse(stanza.from ?? '')
      const when = parseDateTime(stanza.child('delay', NS.delay)?.attrs['stamp'] ?? '') ?? new Date(now())
      if (from === undefined) return Promise.resolve(0)
      return messages.append(node, { when, with: from.bare, stanza: stanza.toString() }).stored.then(() => 1)
    },
  }
}

async function* all(messages: ArchiveStore, owner: Owner): AsyncGenerator<ArchiveItem> {
  let after: string | undefined
  for (;;) {
    const page = await messages.find(owner, { after, limit: PAGE })
    yield* page
    after = page.at(-1)?.id
    if (page.length < PAGE) return
  }
}

/** Undefined if it does not say what was said, when and by whom. */
function readResult(account: Jid, result: Element): NewArchiveItem | undefined {
  const forwarded = result.child('forwarded', NS.forward)
  const when = parseDateTime(forwarded?.child('delay', NS.delay)?.attrs['stamp'] ?? '')
  const message = forwarded?.child('message', NS.client)
  const stanza = message && Stanza.fromElement(message)
  if (stanza === undefined || when === undefined) return undefined
  const [from, to] = [Jid.tryParse(stanza.from ?? ''), Jid.tryParse(stanza.to ?? '')]
  const peer = from === undefined || from.bare === account.bare ? (to ?? account) : from
  return { when, with: peer.full, stanza: stanza.toString() }
}

const PAGE = 100
