/** XEP-0045 §16.6.2 (102, 103): members who are not in the room, shown as unavailable. */
import type { Maybe } from '../../server/util/maybe.ts'
import { Broadcast } from '../../server/xml/broadcast.ts'
import { presence } from '../../server/xml/build.ts'
import { xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { Affiliate } from './affiliates.ts'
import { inSlices } from '../../server/util/slices.ts'
import { seesJids } from './features/whois.ts'
import type { OccupantSession } from './occupant.ts'
import type { Room } from './room.ts'

/** Shows a client everybody who belongs to the room and is not there. */
export function sendAbsentees(room: Room, session: OccupantSession): Maybe<void> {
  const canSeeJids = seesJids(room, session.occupant)
  return inSlices(room.affiliates.entries(), ([bare, affiliate]) => {
    if (affiliate.affiliation === 'outcast' || room.isPresent(bare)) return
    const shown = absentPresence(room, bare, affiliate, canSeeJids)
    if (shown !== undefined) room.send(session.jid, shown.for(session.jid.full), room.jid.withResource(affiliate.nick))
  })
}

/** Written once for each way to see it, as long as nothing changes. Undefined if there is nothing to call them by. */
export function absentPresence(
  room: Room,
  bare: string,
  affiliate: Affiliate,
  canSeeJids: boolean,
): Broadcast | undefined {
  if (affiliate.nick === undefined && !canSeeJids) return undefined
  const views = room.absentViews.get(affiliate) ?? {}
  room.absentViews.set(affiliate, views)
  return (views[canSeeJids ? 'jids' : 'plain'] ??= new Broadcast(render(room, bare, affiliate, canSeeJids)))
}

function render(room: Room, bare: string, { affiliation, nick }: Affiliate, canSeeJids: boolean): Stanza {
  const from = room.jid.withResource(nick).full
  const item = xml('item', { affiliation, role: 'none', nick, jid: canSeeJids ? bare : undefined })
  return presence(
    { type: 'unavailable', from },
    xml('x', { xmlns: NS.mucUser }, item),
    xml('occupant-id', { xmlns: NS.occupantId, id: room.occupantId(room.service.host.parseJid(bare)) }),
  )
}
