/** What admins can do about rooms. */
import { CommandError } from '../../server/admin/command.ts'
import { t } from '../../server/config/types.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { NS } from '../../server/xml/ns.ts'
import { xml } from '../../server/xml/element.ts'
import { changeAffiliations } from './affiliation-changes.ts'
import { announceConfiguration, readChanges, reconfigure } from './configuration.ts'
import { destroyRoom } from './destruction.ts'
import { isPersistent } from './features/kinds.ts'
import { affiliations } from './privileges.ts'
import { grantRole } from './roles.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import type { MucService } from './service.ts'

/** Where tools that know of Prosody look for the command that destroys a room. */
const NODE_DESTROY = 'http://prosody.im/protocol/muc#destroy'

const DAY_MILLISECONDS = 86_400_000

export function setupCommands(service: MucService, rooms: Rooms): void {
  const { host } = service
  setupChanges(service, rooms)

  host.command({
    name: 'muc list',
    about: 'lists the rooms, and how many are in them',
    role: 'admin',
    args: {},
    run(_, report) {
      for (const node of [...rooms.nodes].toSorted()) report(`${node}@${host.domain} ${rooms.occupancy(node)}`)
    },
  })

  host.command({
    name: 'muc show',
    about: 'tells how a room is configured, who belongs to it, and who is in it',
    role: 'admin',
    args: { room: t.jid() },
    run: ({ room: jid }, report) => inRoom(rooms, host.domain, jid, (room) => describe(room, report)),
  })

  host.command({
    name: 'muc create',
    about: 'makes a persistent room for somebody',
    role: 'admin',
    args: { room: t.jid(), owner: t.jid() },
    async run({ room: jid, owner }, report) {
      requireOurs(jid, host.domain)
      const there = await rooms.find(jid.node ?? '')
      if (there !== undefined) throw new CommandError(`there is a room ${jid.bare} already`)
      const room = rooms.create(jid.toBare(), owner, undefined)
      await rooms.use(room, async () => {
        await room.setValues(new Map([[isPersistent.key, true]]))
        await room.unlock()
      })
      rooms.relist(room)
      report(`${jid.bare} made for ${owner.bare}`)
    },
  })

  host.command({
    name: 'muc destroy',
    about: 'destroys a room and tells its occupants',
    role: 'admin',
    adhoc: { node: NODE_DESTROY },
    args: { room: t.jid(), reason: t.string().default('') },
    run: ({ room: jid, reason }, report) =>
      inRoom(rooms, host.domain, jid, async (room) => {
        const count = room.occupants.size
        await destroyRoom(rooms, room, { reason: reason || undefined }, undefined)
        report(`${jid.bare} destroyed, ${count} occupants were told`)
      }),
  })

  host.command({
    name: 'muc idle',
    about: 'destroys, or only lists, persistent rooms in which nobody is and nothing was said for so many days',
    role: 'admin',
    args: { days: t.integer({ min: 1 }), destroy: t.boolean().default(false) },
    async run({ days, destroy }, report) {
      const since = host.clock.now() - days * DAY_MILLISECONDS
      for (const node of [...rooms.nodes].toSorted()) {
        if (
          !(await rooms.visit(
            node,
            (room) => isIdle(room, since),
            () => false,
          ))
        )
          continue
        if (destroy) await rooms.visit(node, destroyIfEmpty, () => {})
        report(`${node}@${host.domain}${destroy ? ' destroyed' : ''}`)
      }
    },
  })

  async function isIdle(room: Room, since: number): Promise<boolean> {
    if (room.sessions.size > 0 || room.createdAt > since) return false
    for (const archive of host.items('room-archive')) {
      for await (const { at } of archive.newest(room)) {
        if (at > since) return false
        break
      }
    }
    return true
  }

  async function destroyIfEmpty(room: Room): Promise<void> {
    if (room.sessions.size === 0) await destroyRoom(rooms, room, { reason: 'Nobody was here' }, undefined)
  }
}

/** What is done to single rooms and people. */
function setupChanges({ host }: MucService, rooms: Rooms): void {
  host.command({
    name: 'muc configure',
    about: 'sets an option of a room, by the name of its field with or without muc#roomconfig_',
    role: 'admin',
    args: { room: t.jid(), option: t.string(), value: t.string() },
    run: ({ room: jid, option, value }, report) =>
      inRoom(rooms, host.domain, jid, async (room) => {
        const wanted = readChanges(room, [...room.service.options], formFor(room, option, value))
        if (wanted === 'cancel' || wanted.changes.size === 0) return report('nothing to change')
        await reconfigure(room, wanted, undefined)
        rooms.relist(room)
        await announceConfiguration(room, wanted.statuses)
        report(`${jid.bare}: ${[...wanted.changes.keys()].join(', ')} changed`)
      }),
  })

  host.command({
    name: 'muc affiliation',
    about: 'makes somebody an owner, admin or member of a room, or bans them',
    role: 'admin',
    args: { room: t.jid(), jid: t.jid(), affiliation: t.oneOf(...affiliations) },
    run: ({ room: address, jid, affiliation }, report) =>
      inRoom(rooms, host.domain, address, async (room) => {
        const nick = room.affiliates.get(jid.bare)?.nick
        const change = { jid: jid.toBare(), affiliation, nick, reason: undefined }
        await changeAffiliations(room, [change], { tells: true })
        report(`${jid.bare} is ${affiliation} in ${address.bare} now`)
      }),
  })

  host.command({
    name: 'muc kick',
    about: 'throws somebody out of a room',
    role: 'admin',
    args: { room: t.jid(), nick: t.string(), reason: t.string().default('') },
    run: ({ room: address, nick, reason }, report) =>
      inRoom(rooms, host.domain, address, async (room) => {
        const occupant = room.occupants.get(nick)
        if (occupant === undefined) throw new CommandError(`nobody in ${address.bare} is called ${nick}`)
        await grantRole(room, { occupant, role: 'none' }, undefined, reason || undefined)
        report(`${nick} (${occupant.bare.full}) has left ${address.bare}`)
      }),
  })
}

/** Does something in a room, in its turn. What a room cannot be is told in words. */
async function inRoom(
  rooms: Rooms,
  domain: string,
  jid: Jid,
  act: (room: Room) => Promise<void> | void,
): Promise<void> {
  requireOurs(jid, domain)
  try {
    await rooms.visit(jid.node ?? '', act, () => {
      throw new CommandError(`there is no room ${jid.bare}`)
    })
  } catch (error) {
    if (!(error instanceof StanzaError)) throw error
    throw new CommandError(error.text ?? error.condition, { cause: error })
  }
}

function requireOurs({ bare, domain }: Jid, ours: string): void {
  if (domain !== ours) throw new CommandError(`${bare} is not a room of ${ours}`)
}

/** A submission with that field alone; several values are separated by commas. */
function formFor(room: Room, option: string, value: string) {
  const names = [option, `muc#roomconfig_${option}`]
  const field = [...room.service.options].map((known) => known.field).find((known) => names.includes(known.var))
  if (field === undefined) throw new CommandError(`rooms have no option ${option}`)
  const values = field.type === 'list-multi' || field.type === 'jid-multi' ? value.split(',') : [value]
  const texts = values.map((text) => xml('value', {}, text.trim()))
  return xml('x', { xmlns: NS.dataForms, type: 'submit' }, xml('field', { var: field.var }, ...texts))
}

function describe(room: Room, report: (line: string) => void): void {
  for (const option of room.service.options) {
    const value = room.get(option)
    if (option.field.type !== 'text-private') report(`${option.field.var}: ${String(value)}`)
  }
  for (const [jid, { affiliation, nick }] of room.affiliates.entries()) {
    report(`${affiliation} ${jid}${nick === undefined ? '' : ` (${nick})`}`)
  }
  for (const { nick, role, sessions } of room.occupants.values()) {
    report(`${role} ${nick}: ${[...sessions.keys()].join(', ')}`)
  }
}
