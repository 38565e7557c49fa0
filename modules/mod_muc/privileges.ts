/** XEP-0045 §5: roles, affiliations, and who may change them. The tables of the XEP as tables. */
import type { Refusal } from './refusals.ts'

/** What someone is to a room for good, from the lowest to the highest (§5.2). */
export const affiliations = ['outcast', 'none', 'member', 'admin', 'owner'] as const
export type Affiliation = (typeof affiliations)[number]

/** What an occupant may do during a visit, from the lowest to the highest (§5.1). */
export const roles = ['none', 'visitor', 'participant', 'moderator'] as const
export type Role = (typeof roles)[number]

/** True if `affiliation` is that one or a higher one. */
export function isAtLeast(affiliation: Affiliation, least: Affiliation): boolean {
  return affiliations.indexOf(affiliation) >= affiliations.indexOf(least)
}

/** True if the role is that one or a higher one. */
export function isRoleAtLeast(role: Role, least: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(least)
}

export function higherRole(one: Role, other: Role): Role {
  return isRoleAtLeast(one, other) ? one : other
}

export function parseAffiliation(text: string | undefined): Affiliation | undefined {
  return affiliations.find((known) => known === text)
}

export function parseRole(text: string | undefined): Role | undefined {
  return roles.find((known) => known === text)
}

export interface RoomKind {
  readonly isModerated: boolean
  /** Guests begin with voice even if it is moderated. */
  readonly newcomersHaveVoice: boolean
  readonly isMembersOnly: boolean
}

/** The role with which someone enters; undefined if they may not (§5.1.2). */
export function defaultRole(affiliation: Affiliation, kind: RoomKind): Role | undefined {
  return initialRole[affiliation](kind)
}

const initialRole: Readonly<Record<Affiliation, (kind: RoomKind) => Role | undefined>> = {
  owner: () => 'moderator',
  admin: () => 'moderator',
  member: () => 'participant',
  none: ({ isMembersOnly, isModerated, newcomersHaveVoice }) => {
    if (isMembersOnly) return undefined
    return isModerated && !newcomersHaveVoice ? 'visitor' : 'participant'
  },
  outcast: () => undefined,
}

/** Someone wants to give an affiliation to somebody. */
export interface AffiliationAct {
  /** Of the one who acts. */
  readonly actor: Affiliation
  /** What the other is now, and shall be. */
  readonly from: Affiliation
  readonly to: Affiliation
  readonly isSelf: boolean
  /** The other is a whole domain. */
  readonly isDomain: boolean
}

/** §5.2.2: what one must be oneself to give an affiliation, or to take it away. */
const keeperOf: Readonly<Record<Affiliation, Affiliation>> = {
  outcast: 'admin',
  none: 'admin',
  member: 'admin',
  admin: 'owner',
  owner: 'owner',
}

export const affiliationRefusals: readonly Refusal<AffiliationAct>[] = [
  {
    condition: 'forbidden', // §9
    text: 'Only admins and owners may change affiliations',
    applies: ({ actor }) => !isAtLeast(actor, 'admin'),
  },
  {
    condition: 'conflict', // §9.1
    text: 'You cannot ban yourself',
    applies: ({ isSelf, to }) => isSelf && to === 'outcast',
  },
  {
    condition: 'forbidden', // §10.3, §10.6
    text: 'Only owners may appoint admins and owners',
    applies: ({ actor, to }) => !isAtLeast(actor, keeperOf[to]),
  },
  {
    condition: 'not-allowed', // §9.1
    text: 'Your affiliation is not higher than theirs',
    applies: ({ actor, from }) => !isAtLeast(actor, keeperOf[from]),
  },
  {
    condition: 'not-acceptable', // §9.2: domains are matched by bans only.
    text: 'A whole domain can only be banned',
    applies: ({ isDomain, to }) => isDomain && isAtLeast(to, 'member'),
  },
]

/** An occupant wants to give a role to another. */
export interface RoleAct {
  readonly actorRole: Role
  readonly actor: Affiliation
  /** The affiliation of the other. */
  readonly target: Affiliation
  readonly from: Role
  readonly to: Role
  readonly isSelf: boolean
}

export const roleRefusals: readonly Refusal<RoleAct>[] = [
  {
    condition: 'forbidden', // §8
    text: 'Only moderators may change roles',
    applies: ({ actorRole }) => actorRole !== 'moderator',
  },
  {
    condition: 'forbidden', // §9.6
    text: 'Only admins and owners may appoint moderators',
    applies: ({ actor, from, to }) => to === 'moderator' && from !== to && !isAtLeast(actor, 'admin'),
  },
  {
    condition: 'not-allowed', // §8.2
    text: 'Their affiliation is higher than yours',
    applies: ({ actor, target, to }) => to === 'none' && !isAtLeast(actor, target),
  },
  {
    condition: 'not-allowed', // §5.1.3
    text: 'Only admins and owners may remove moderators',
    applies: ({ actor, from, to, isSelf }) =>
      to === 'none' && from === 'moderator' && !isSelf && !isAtLeast(actor, 'admin'),
  },
  {
    condition: 'not-allowed', // §8.4, §9.7
    text: 'Admins and owners are moderators',
    applies: ({ target, to }) => (to === 'visitor' || to === 'participant') && isAtLeast(target, 'admin'),
  },
  {
    condition: 'forbidden', // §9.7
    text: 'Only admins and owners may dismiss moderators',
    applies: ({ actor, from, to }) =>
      from === 'moderator' && to !== 'moderator' && to !== 'none' && !isAtLeast(actor, 'admin'),
  },
  {
    condition: 'not-allowed', // §8.4
    text: 'Their affiliation is as high as yours, or higher',
    applies: ({ actor, target, from, to }) =>
      from === 'participant' && to === 'visitor' && isAtLeast(target, 'member') && isAtLeast(target, actor),
  },
]

/** Someone wants to read who has an affiliation. */
export interface ListAct {
  readonly actor: Affiliation
  readonly list: Affiliation
  /** Everybody may see JIDs. */
  readonly isNonAnonymous: boolean
  readonly isMembersOnly: boolean
}

/** §9.5, §10.5: admins read what they may change; in rooms where everybody is known, members see who belongs. */
export function mayReadList({ actor, list, isNonAnonymous, isMembersOnly }: ListAct): boolean {
  if (isAtLeast(actor, 'admin') && isAtLeast(actor, list)) return true
  return isNonAnonymous && isMembersOnly && isAtLeast(actor, 'member') && list !== 'outcast'
}
