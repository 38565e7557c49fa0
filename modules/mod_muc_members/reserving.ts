/** Registers members who enter with the nickname that they use: so they are members for clients that know nothing of it. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { OccupantSession } from '../mod_muc/occupant.ts'
import type { Room } from '../mod_muc/room.ts'

export function reserveNick(host: ModuleHost<'muc'>, room: Room, session: OccupantSession): void {
  const { bare } = session.jid
  const affiliate = room.affiliates.get(bare)
  if (affiliate === undefined || affiliate.affiliation === 'outcast' || affiliate.nick !== undefined) return
  host.spawn('reserve a nickname', async () => {
    await host.service('muc').rooms.use(room, async () => {
      const { nick } = session.occupant
      const now = room.affiliates.get(bare)
      if (now === undefined || now.affiliation === 'outcast' || now.nick !== undefined) return
      if (
        room.isLocked ||
        room.affiliates.holderOf(nick) !== undefined ||
        room.occupants.get(nick) !== session.occupant
      )
        return
      // Nobody sees the difference: so nobody is told.
      await room.store({ affiliates: new Map([[bare, { ...now, nick }]]) })
      host.announce('muc/affiliated', { room, bare })
    })
  })
}
