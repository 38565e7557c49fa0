/** XEP-0313 §4, §5: what people ask of the archive of a room. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { answerQuery, archivedElement, metadataElement } from '../../server/protocol/archive-answer.ts'
import { archiveFormElement, type ArchiveRequest } from '../../server/protocol/archive-query.ts'
import type { ArchiveReader } from '../../server/protocol/archive-reader.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { message } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import type { ArchiveItem } from '../../storage/store.ts'
import type { RoomRequest } from '../mod_muc/requests.ts'
import type { Room } from '../mod_muc/room.ts'
import { isArchived, isLogged } from './options.ts'

/** How many messages a page has. */
interface Pages {
  readonly usual: number
  readonly limit: number
}

export function setupRequests(host: ModuleHost<'muc'>, reader: ArchiveReader, pages: Pages): void {
  const rooms = host.service('muc')
  const common = { ns: NS.mam, isAside: true } as const
  host.provide('room-request', { ...common, type: 'set', name: 'query', answer: query })
  host.provide('room-request', { ...common, type: 'get', name: 'query', answer: form })
  host.provide('room-request', { ...common, type: 'get', name: 'metadata', answer: metadata })

  async function query(room: Room, { from, payload, origin, stanza }: RoomRequest): Promise<Element> {
    requireReader(room, from)
    const since = knownSince(room, from)
    const to = stanza.from ?? from.full
    return answerQuery(reader, room.node, payload, {
      pages,
      permit: (request) => permit(room, request, from, since),
      send: (result) => void origin.send(message({ to, from: room.jid.full }, result)),
      show: (item) => show(room, item, since),
    })
  }

  function form(room: Room, { from }: RoomRequest): Element {
    requireReader(room, from)
    return archiveFormElement()
  }

  function metadata(room: Room, { from }: RoomRequest): Promise<Element> {
    requireReader(room, from)
    return metadataElement(reader, room.node)
  }

  /** Who may read: occupants, those who belong to the room, and if it says so, whoever could enter (§6.1.2). */
  function requireReader(room: Room, whom: Jid): void {
    if (!room.get(isArchived)) throw new StanzaError('service-unavailable')
    if (room.sessions.has(whom.full)) return
    const affiliation = room.affiliates.of(whom)
    const isOpen = room.roleFor(affiliation) !== undefined && room.get({ key: 'password_protected' }) !== true
    if (affiliation === 'outcast' || !(rooms.isAtLeast(affiliation, 'member') || (isOpen && isLogged(room)))) {
      throw new StanzaError('forbidden', 'You may not read what was said in this room')
    }
  }

  /** From when on somebody may know who has said what: moderators always, others since the room tells everybody (§6.1.2). */
  function knownSince(room: Room, whom: Jid): number {
    if (rooms.mayModerate(room, whom)) return 0
    return rooms.seesJids(room, whom) ? room.get({ key: 'known_since', initial: 0 }) : Infinity
  }

  /** Whose messages somebody asks for (§4.1.1): by address only if they may know it, and by nickname. */
  function permit(room: Room, request: ArchiveRequest, asking: Jid, since: number): ArchiveRequest {
    const { with: sender, start } = request
    if (sender === undefined) return request
    if (sender.bare === room.jid.bare) {
      const holder = room.affiliates.holderOf(sender.resource ?? '')
      const person = room.occupants.get(sender.resource ?? '')?.bare
      return { ...request, with: person ?? (holder === undefined ? sender : host.parseJid(holder)) }
    }
    if (sender.bare === asking.bare) return request
    if (since === Infinity) throw new StanzaError('forbidden', 'Addresses are not told in this room')
    return since === 0 ? request : { ...request, start: new Date(Math.max(start?.getTime() ?? 0, since)) }
  }
}

/** As somebody may see it: with the address of the sender, if they may know it (§6.1.2). */
function show(room: Room, item: ArchiveItem, since: number): Element {
  if (item.when.getTime() < since || item.with === room.jid.full) return archivedElement(item)
  const x = xml('x', { xmlns: NS.mucUser }, xml('item', { jid: item.with }))
  return Stanza.parse(item.stanza).append(x).toElement()
}
