/** What admins can do about rooms. */
import { CommandError } from '../../server/admin/command.ts'
import { t } from '../../server/config/types.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { changeAffiliations } from './affiliation-changes.ts'
import { destroyRoom } from './destruction.ts'
import { isPersistent } from './features/kinds.ts'
import { affiliations } from './privileges.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import type { MucService } from './service.ts'

/** Where tools that know of Prosody look for the command that destroys a room. */
const NODE_DESTROY = 'http://prosody.im/protocol/muc#destroy'

export function setupCommands({ host }: MucService, rooms: Rooms): void {
  host.command({
    name: 'muc list',
    about: 'lists the rooms',
    role: 'admin',
    args: {},
    run(_, report) {
      for (const node of [...rooms.nodes].toSorted()) report(`${node}@${host.domain}`)
    },
  })

  host.command({
    name: 'muc create',
    about: 'makes a persistent room for somebody',
    role: 'admin',
    args: { room: t.jid(), owner: t.jid() },
    async run({ room: jid, owner }, report) {
      requireOurs(jid)
      const there = await rooms.find(jid.node ?? '')
      if (there !== undefined) throw new CommandError(`there is a room ${jid.bare} already`)
      const room = rooms.create(jid, owner, undefined)
      await rooms.use(room, async () => {
        await room.setValues(new Map([[isPersistent.key, true]]))
        await room.unlock()
      })
      report(`${jid.bare} made for ${owner.bare}`)
    },
  })

  host.command({
    name: 'muc destroy',
    about: 'destroys a room and tells its occupants',
    role: 'admin',
    node: NODE_DESTROY,
    args: { room: t.jid(), reason: t.string().default('') },
    run: ({ room: jid, reason }, report) =>
      inRoom(jid, async (room) => {
        const count = room.occupants.size
        await destroyRoom(rooms, room, { reason: reason || undefined }, undefined)
        report(`${jid.bare} destroyed, ${count} occupants were told`)
      }),
  })

  host.command({
    name: 'muc affiliation',
    about: 'makes somebody an owner, admin or member of a room, or bans them',
    role: 'admin',
    args: { room: t.jid(), jid: t.jid(), affiliation: t.oneOf(...affiliations) },
    run: ({ room: address, jid, affiliation }, report) =>
      inRoom(address, async (room) => {
        const after = new Map([[jid.bare, affiliation === 'none' ? undefined : { affiliation }]])
        if (!room.affiliates.wouldHaveOwner(after)) throw new CommandError('a room must have an owner')
        const nick = room.affiliates.get(jid.bare)?.nick
        await changeAffiliations(room, [{ jid, affiliation, nick, reason: undefined }], { tells: true })
        report(`${jid.bare} is ${affiliation} in ${address.bare} now`)
      }),
  })

  async function inRoom(jid: Jid, act: (room: Room) => Promise<void>): Promise<void> {
    requireOurs(jid)
    const room = await rooms.find(jid.node ?? '')
    if (room === undefined) throw new CommandError(`there is no room ${jid.bare}`)
    await rooms.use(room, () => act(room))
  }

  function requireOurs({ bare, domain }: Jid): void {
    if (domain !== host.domain) throw new CommandError(`${bare} is not a room of ${host.domain}`)
  }
}
