/** What owners can set about the archive of a room (XEP-0045 §7.2.12). */
import type { AnyRoomOption, RoomOption, RoomValue } from '../mod_muc/options.ts'
import type { Room } from '../mod_muc/room.ts'

/** In days: ten years. */
const LONGEST = 3650

export const isArchived: RoomValue<boolean> = { key: 'archiving', initial: true }
const isPublic: RoomValue<boolean> = { key: 'logging', initial: false }
/** After how many days messages go; 0 for the service's own limit. */
export const archiveDays: RoomValue<number> = { key: 'archive_days', initial: 0 }

/** True if anybody may read the archive who could enter. */
export function isLogged(room: Room): boolean {
  return room.get(isArchived) && room.get(isPublic)
}

/** The options, with the defaults of the service. */
export function optionsFor(defaults: {
  readonly default_archiving: boolean
  readonly default_logging: boolean
}): readonly AnyRoomOption[] {
  const archiving: RoomOption<boolean> = {
    ...isArchived,
    initial: defaults.default_archiving,
    section: 'other',
    field: { type: 'boolean', var: 'muc#roomconfig_enablearchiving', label: 'Archive what is said' },
    aliases: ['muc#roomconfig_mam', 'mam'],
  }
  const logging: RoomOption<boolean> = {
    ...isPublic,
    initial: defaults.default_logging,
    section: 'other',
    field: {
      type: 'boolean',
      var: 'muc#roomconfig_enablelogging',
      label: 'Anybody may read the archive who could enter',
    },
    statuses: (on) => [on ? 170 : 171],
  }
  const days: RoomOption<number> = {
    ...archiveDays,
    section: 'other',
    field: {
      type: 'text-single',
      var: '{https://madrigal.im/protocol/muc}roomconfig_archive_days',
      label: 'After how many days messages are removed from the archive (0: as the service does)',
      validation: { datatype: 'xs:integer', range: { min: 0, max: LONGEST } },
    },
  }
  return [archiving, logging, days]
}
