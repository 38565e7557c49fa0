/** XEP-0045 §16.5.3: the lists of owners and admins, as fields of the configuration form. */
import type { Jid } from '../../../server/jid/jid.ts'
import type { FieldValue, JidMultiField } from '../../../server/protocol/form-field.ts'
import { StanzaError } from '../../../server/stanza-error.ts'
import type { AffiliationChange } from '../affiliation-changes.ts'
import type { Affiliation } from '../privileges.ts'
import type { Room } from '../room.ts'

interface PeopleField {
  readonly affiliation: 'admin' | 'owner'
  readonly field: JidMultiField
}

export const peopleFields: readonly PeopleField[] = [
  {
    affiliation: 'admin',
    field: { type: 'jid-multi', var: 'muc#roomconfig_roomadmins', label: 'Admins of the room, all of them' },
  },
  {
    affiliation: 'owner',
    field: { type: 'jid-multi', var: 'muc#roomconfig_roomowners', label: 'Owners of the room, all of them' },
  },
]

/** What the fields hold now. */
export function peopleOf(room: Room): Record<string, readonly Jid[]> {
  const lists = peopleFields.map(({ affiliation, field }) => {
    const jids = [...room.affiliates.having(affiliation)].map(([jid]) => room.service.host.parseJid(jid))
    return [field.var, jids] as const
  })
  return Object.fromEntries(lists)
}

/** What changes if those lists, as far as they were submitted, are to be all. Throws a StanzaError if that cannot be. */
export function changesOfPeople(room: Room, values: Readonly<Record<string, FieldValue>>): AffiliationChange[] {
  const wanted = new Map<string, { readonly jid: Jid; readonly affiliation: Affiliation }>()
  for (const { affiliation, field } of peopleFields) {
    const list = values[field.var] as readonly Jid[] | undefined
    if (list === undefined) continue
    for (const [jid] of room.affiliates.having(affiliation)) {
      // Whoever is in the other list has their place there.
      if (!wanted.has(jid)) wanted.set(jid, { jid: room.service.host.parseJid(jid), affiliation: 'none' })
    }
    for (const jid of list) {
      if (jid.node === undefined) throw new StanzaError('not-acceptable', `${jid.full} is no person`)
      wanted.set(jid.bare, { jid: jid.toBare(), affiliation })
    }
  }
  const changes = [...wanted.values()].filter(({ jid, affiliation }) => room.affiliates.own(jid.bare) !== affiliation)
  return changes.map(({ jid, affiliation }) => {
    return { jid, affiliation, nick: room.affiliates.get(jid.bare)?.nick, reason: undefined }
  })
}
