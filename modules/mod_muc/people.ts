/** XEP-0421: who somebody is that is known by an occupant id, whether they are still there or not. */
import type { Jid } from '../../server/jid/jid.ts'
import { escapeAttribute } from '../../server/xml/escape.ts'
import { NS } from '../../server/xml/ns.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import type { Room } from './room.ts'

/** Messages that are looked through for somebody who has left. */
const SEARCHED = 2000

/** The bare JID behind an occupant id. Ids cannot be turned back: it must be somebody who is there, was there, or spoke. */
export async function personOf(room: Room, occupantId: string): Promise<Jid | undefined> {
  for (const { id, bare } of room.occupants.values()) if (id === occupantId) return bare
  return room.departed.get(occupantId) ?? (await speaker(room, occupantId))
}

async function speaker(room: Room, occupantId: string): Promise<Jid | undefined> {
  const { host } = room.service
  // So `Element.toString` writes it; nobody but the room says so (§4.2).
  const name = ` id='${escapeAttribute(occupantId)}'`
  for (const archive of host.items('room-archive')) {
    let seen = 0
    for await (const { sender, xml } of archive.newest(room)) {
      if (xml.includes(name) && idIn(xml) === occupantId) return host.parseJid(sender).toBare()
      if (++seen >= SEARCHED) break
    }
  }
  return undefined
}

function idIn(xml: string): string | undefined {
  return Stanza.parse(xml).child('occupant-id', NS.occupantId)?.attrs['id']
}
