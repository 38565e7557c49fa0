/** What somebody has said lately, retracted at once; and if need be, somebody who has left banned. */
import { CommandError } from '../../server/admin/command.ts'
import { t } from '../../server/config/types.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { defineForm } from '../../server/protocol/data-form.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { xml } from '../../server/xml/element.ts'
import type { CommandOutcome, CommandRequest } from '../mod_muc/room-commands.ts'
import type { Room } from '../mod_muc/room.ts'
import type { Graves } from './graves.ts'
import { retractAll } from './requests.ts'

const NODE = 'https://madrigal.im/protocol/muc#remove-messages'
const HOUR_MILLISECONDS = 3_600_000

const form = defineForm({
  title: 'Remove what somebody has said',
  instructions: 'Every message is retracted, also in the archive.',
  fields: [
    { type: 'text-single', var: 'who', label: 'Nickname, occupant id or address', required: true },
    {
      type: 'text-single',
      var: 'hours',
      label: 'Of how many hours (0: all)',
      default: 24,
      validation: { datatype: 'xs:integer', range: { min: 0, max: 87_600 } },
    },
    { type: 'boolean', var: 'ban', label: 'Ban them from the room', default: false },
    { type: 'text-single', var: 'reason', label: 'Reason', maxChars: 1000 },
  ],
})

export function setupBulkRemoval(host: ModuleHost<'muc'>, graves: Graves): void {
  const rooms = host.service('muc')

  host.provide('room-command', {
    node: NODE,
    title: 'Remove what somebody has said',
    may: (room, whom) => rooms.mayModerate(room, whom),
    form: () => form,
    run,
  })

  host.command({
    name: 'muc purge',
    about: 'retracts what somebody has said in a room',
    role: 'admin',
    args: { room: t.jid(), jid: t.jid(), hours: t.integer({ min: 0 }).default(0) },
    async run({ room: address, jid, hours }, report) {
      const purge = async (room: Room): Promise<void> =>
        report(`${await remove(room, jid.toBare(), hours, undefined, undefined)} messages retracted`)
      const absent = (): never => {
        throw new CommandError(`there is no room ${address.bare}`)
      }
      await (address.domain === host.domain ? rooms.rooms.visit(address.node ?? '', purge, absent) : absent())
    },
  })

  async function run(room: Room, { from, values }: CommandRequest): Promise<CommandOutcome> {
    const { who, hours = 24, ban, reason: given } = values
    const reason = typeof given === 'string' && given !== '' ? given : undefined
    const person = await personOf(room, String(who))
    if (ban === true) {
      const because = reason !== undefined && xml('reason', {}, reason)
      await rooms.administer(room, from, [xml('item', { affiliation: 'outcast', jid: person.bare }, because)])
    }
    const count = await remove(room, person, Number(hours), from, reason)
    return { note: `${count} messages were retracted` }
  }

  /** Gives how many were removed. */
  async function remove(
    room: Room,
    person: Jid,
    hours: number,
    by: Jid | undefined,
    reason: string | undefined,
  ): Promise<number> {
    const since = hours === 0 ? 0 : host.clock.now() - hours * HOUR_MILLISECONDS
    const messages = await graves.saidBy(room, person.bare, since)
    if (messages.length > 0) await retractAll(host, graves, room, { messages, by, reason })
    return messages.length
  }

  /** Somebody who is there, or was: by nickname, by occupant id, or by address if that is what it looks like. */
  async function personOf(room: Room, who: string): Promise<Jid> {
    const occupant = room.occupants.get(who)
    const person = occupant?.bare ?? (await rooms.personOf(room, who)) ?? (who.includes('@') && host.tryParseJid(who))
    if (person === undefined || person === false) throw new StanzaError('item-not-found', 'Nobody is known as that')
    return person.toBare()
  }
}
