/** XEP-0313 §6.1.2: archives what is said in rooms, each message once, and gives rooms their history back. */
import type { ModuleHost } from '../../server/host/host.ts'
import { isWorthKeeping } from '../../server/protocol/archive-content.ts'
import type { ArchiveReader } from '../../server/protocol/archive-reader.ts'
import { stanzaIdElement, withStanzaId } from '../../server/protocol/stanza-id.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import type { Appended, ArchiveItem, ArchiveStore } from '../../storage/store.ts'
import type { GroupMessage } from '../mod_muc/events.ts'
import type { ShownMessage } from '../mod_muc/features/history.ts'
import type { ArchivedMessage, RoomArchive } from '../mod_muc/room-archive.ts'
import type { Room } from '../mod_muc/room.ts'
import { isArchived } from './options.ts'

export function setupKeeping(host: ModuleHost<'muc'>, messages: ArchiveStore, reader: ArchiveReader): void {
  /** What is written together has one promise: one look at it is enough for all. */
  let watched: Promise<void> | undefined

  host.on('muc/message', keep, 'archive')
  host.on('muc/said', keepOwn)
  host.provide('room-archive', archiveOf(messages))

  host.on('muc/recall', async (recall) => {
    const { room, most } = recall
    const items = await messages.find(room.node, { limit: most, newestFirst: true })
    const shown = items.toReversed().map((item) => shownMessage(room, item))
    // The subject is told in its own place (XEP-0045 §7.2.15).
    recall.messages = [...recall.messages, ...shown.filter((message) => isHistory(message.shown))]
  })

  function keep(message: GroupMessage): undefined {
    const { room, stanza, source, at } = message
    if (!isKept(room, stanza)) return undefined
    const { id, stored } = append(room, stanza, source.from.full, at)
    source.settles(stored)
    message.id = id
    message.stanza = stanza.append(stanzaIdElement({ id, by: room.jid.full }))
    return undefined
  }

  /** What the room itself has to say. */
  function keepOwn(said: { readonly room: Room; stanza: Stanza; id: string | undefined }): void {
    const { room, stanza } = said
    if (!isKept(room, stanza)) return
    said.id = append(room, stanza, room.jid.full, host.clock.now()).id
    said.stanza = withStanzaId(stanza, { id: said.id, by: room.jid.full })
  }

  function append(room: Room, stanza: Stanza, sender: string, at: number): Appended {
    const item = { when: new Date(at), with: sender, stanza: stanza.toString() }
    const appended = messages.append(room.node, item)
    reader.added(room.node)
    if (watched !== appended.stored) {
      watched = appended.stored
      host.spawn('archive messages of rooms', () => appended.stored)
    }
    return appended
  }
}

/** A room that is not configured yet may never come to be. */
function isKept(room: Room, stanza: Stanza): boolean {
  return !room.isLocked && room.get(isArchived) && isWorthKeeping(stanza)
}

function isHistory(stanza: Stanza): boolean {
  return stanza.has('body') || !stanza.has('subject')
}

function archiveOf(messages: ArchiveStore): RoomArchive {
  return {
    get: async (room, id) => {
      const item = await messages.get(room.node, id)
      return item && shownMessage(room, item)
    },
    newest: (room) => newest(messages, room),
    replace: (room, id, stanza) => messages.replace(room.node, id, stanza.toString()),
  }
}

/** Items that are read at a time. */
const PAGE = 100

async function* newest(messages: ArchiveStore, room: Room): AsyncIterable<ArchivedMessage> {
  let before: string | undefined
  for (;;) {
    const items = await messages.find(room.node, { before, limit: PAGE, newestFirst: true })
    for (const { id, when, with: sender, stanza } of items) yield { id, at: when.getTime(), sender, xml: stanza }
    before = items.at(-1)?.id
    if (items.length < PAGE) return
  }
}

function shownMessage(room: Room, { id, when, with: sender, stanza }: ArchiveItem): ShownMessage {
  const shown = withStanzaId(Stanza.parse(stanza), { id, by: room.jid.full })
  return { id, at: when.getTime(), sender, shown }
}
