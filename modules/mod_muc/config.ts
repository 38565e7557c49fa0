/** What an admin can set about a service of rooms. */
import { type OptionsOf, t } from '../../server/config/types.ts'
import { presets } from './room-options.ts'

const MINUTE = 60
const DAY = 24 * 60 * MINUTE

export const config = {
  name: t.string().default('Chatrooms').describe('What the service is called.'),
  restrict_room_creation: t
    .oneOf('local', 'admins', 'anyone')
    .default('local')
    .describe('Who may make rooms: those with an account on this server, admins of the service, or anyone.'),
  list_rooms: t
    .oneOf('local', 'admins', 'anyone')
    .default('anyone')
    .describe('Who is told which public rooms there are.'),
  allow_public: t.boolean().default(true).describe('Whether owners may make their rooms public.'),
  allow_persistent: t.boolean().default(true).describe('Whether owners may make their rooms persistent.'),
  max_rooms: t.integer({ min: 1 }).default(100_000).describe('Rooms that there may be at a time.'),
  max_rooms_per_user: t.integer({ min: 1 }).default(1000).describe('Rooms that somebody may be in at a time.'),
  max_clients_per_room: t
    .integer({ min: 1 })
    .default(50)
    .describe('Clients with which somebody may be in a room at a time.'),
  max_rooms_per_creator: t
    .integer({ min: 1 })
    .default(200)
    .describe('Rooms that somebody may have made, if they are no admin of the service.'),
  max_occupants: t.integer({ min: 1 }).default(5000).describe('Occupants that may be in a room at a time.'),
  max_affiliations: t
    .integer({ min: 1 })
    .default(20_000)
    .describe('People who may be owners, admins or members of a room; and as many again may be banned from it.'),
  max_nick_length: t.integer({ min: 1, max: 1023 }).default(128).describe('Characters that a nickname may have.'),
  max_invitations: t.integer({ min: 1 }).default(20).describe('People who may be invited with one message.'),
  occupant_rate: t
    .integer({ min: 1 })
    .default(20)
    .describe('Messages and presence that a client may send to a room in a second.'),
  occupant_burst: t.integer({ min: 1 }).default(100).describe('How many of them it may send at once.'),
  rooms_at_hand: t.integer({ min: 1 }).default(1000).describe('Empty rooms that are kept in memory.'),
  lock_new_rooms: t
    .boolean()
    .default(true)
    .describe('Whether nobody else may enter a new room before its owner has configured it.'),
  lock_timeout: t
    .duration({ min: 1, max: DAY })
    .default(5 * MINUTE)
    .describe('After that long, an owner is taken to agree with the defaults.'),
  tombstone_expiry: t
    .duration()
    .default(31 * DAY)
    .describe('How long nobody can take the name of a persistent room that was destroyed.'),
  allow_unaffiliated_register: t
    .boolean()
    .default(false)
    .describe('Whether strangers may register with rooms, and so become members.'),
  registration_includes_form: t
    .boolean()
    .default(false)
    .describe('Whether those who have registered are shown what else they can set, which some clients do not expect.'),
  enforce_registered_nickname: t
    .boolean()
    .default(false)
    .describe('Whether those who have registered a nickname must use it.'),
  ...presets,
}

export type MucConfig = OptionsOf<typeof config>
