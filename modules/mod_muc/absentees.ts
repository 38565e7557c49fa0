/** XEP-0045 §16.6.2 (102, 103): members who are not in the room, shown as unavailable. */
import type { Maybe } from '../../server/util/maybe.ts'
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
    if (shown !== undefined) sendAbsentee(room, session, shown, affiliate.nick)
  })
}

/** Undefined if there is nothing to call them by. */
export function absentPresence(
  room: Room,
  bare: string,
  { affiliation, nick }: Affiliate,
  canSeeJids: boolean,
): Stanza | undefined {
  if (nick === undefined && !canSeeJids) return undefined
  const from = room.jid.withResource(nick).full
  const item = xml('item', { affiliation, role: 'none', nick, jid: canSeeJids ? bare : undefined })
  return presence(
    { type: 'unavailable', from },
    xml('x', { xmlns: NS.mucUser }, item),
    xml('occupant-id', { xmlns: NS.occupantId, id: room.occupantId(room.service.host.parseJid(bare)) }),
  )
}

function sendAbsentee(room: Room, { jid }: OccupantSession, shown: Stanza, nick: string | undefined): void {
  room.send(jid, shown.with({ to: jid.full }), room.jid.withResource(nick))
}
