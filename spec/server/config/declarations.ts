/** A few modules, declared as real ones are, for the specs of the configuration. */
import { type Fields, t } from '../../../server/config/types.ts'
import { WEEK } from '../../../server/config/units.ts'

const register = {
  invites_only: t.boolean().default(false).describe('Whether one needs an invitation.'),
  key: t.secret().optional().describe('What signs invitations.'),
}

const mam = {
  expire_after: t.duration().default(WEEK).describe('How long messages are kept.'),
  default_policy: t
    .oneOf('always', 'never', 'roster')
    .default('always')
    .describe('What is kept unless a user wishes otherwise.'),
}

const muc = {
  max_rooms: t.integer({ min: 1 }).default(10_000).describe('How many rooms may exist.'),
}

const mirror = {
  url: t.url().describe('The server to copy from.'),
  users: t.map(t.size()).default(new Map()),
}

const metrics = {
  path: t.string().default('/metrics').describe('Where they are read.'),
  limits: t
    .object({ clients: t.list(t.address()).default([]), size: t.size().default(1024) })
    .describe('What may be asked for.'),
}

interface Declared {
  readonly name: string
  readonly about: string
  readonly scope: 'host' | 'server'
  readonly on?: readonly string[]
  readonly byDefault?: boolean
  readonly depends?: readonly string[]
  readonly config?: Fields
}

const modules: readonly Declared[] = [
  { name: 'disco', about: 'tells what the host can do', scope: 'host', on: ['local', 'muc'] },
  { name: 'roster', about: 'keeps contacts', scope: 'host', on: ['local'] },
  { name: 'presence', about: 'tells contacts who is there', scope: 'host', on: ['local'], depends: ['roster'] },
  { name: 'register', about: 'lets people register', scope: 'host', on: [], config: register },
  { name: 'mam', about: "keeps a history of each user's messages", scope: 'host', on: [], config: mam },
  { name: 'muc', about: 'has rooms to talk in', scope: 'host', on: ['muc'], config: muc },
  { name: 'mirror', about: 'copies another server', scope: 'host', on: [], config: mirror },
  { name: 'metrics', about: 'counts', scope: 'server', byDefault: true, config: metrics },
  { name: 'shell', about: 'takes commands over the network', scope: 'server', byDefault: false },
]

export const declarations = { modules, components: ['muc'] } as const
