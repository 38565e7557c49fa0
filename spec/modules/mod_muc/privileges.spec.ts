/** XEP-0045 §5: the tables of the XEP, cell by cell. */
import t from 'tap'
import { Affiliates } from '../../../modules/mod_muc/affiliates.ts'
import {
  type Affiliation,
  affiliationRefusals,
  affiliations,
  defaultRole,
  mayReadList,
  type Role,
  roleRefusals,
} from '../../../modules/mod_muc/privileges.ts'
import { refusalOf } from '../../../modules/mod_muc/refusals.ts'
import { Jid } from '../../../server/jid/jid.ts'

t.test('initial roles are those of table 5', (t) => {
  // Members-only, moderated: what each affiliation enters as.
  const table: readonly (readonly [boolean, boolean, Partial<Record<Affiliation, Role>>])[] = [
    [false, false, { none: 'participant', member: 'participant', admin: 'moderator', owner: 'moderator' }],
    [false, true, { none: 'visitor', member: 'participant', admin: 'moderator', owner: 'moderator' }],
    [true, false, { member: 'participant', admin: 'moderator', owner: 'moderator' }],
    [true, true, { member: 'participant', admin: 'moderator', owner: 'moderator' }],
  ]
  for (const [isMembersOnly, isModerated, row] of table) {
    for (const affiliation of affiliations) {
      const name = `${affiliation}, members-only ${isMembersOnly}, moderated ${isModerated}`
      t.equal(
        defaultRole(affiliation, { isMembersOnly, isModerated, newcomersHaveVoice: false }),
        row[affiliation],
        name,
      )
    }
  }
  const kind = { isMembersOnly: false, isModerated: true, newcomersHaveVoice: true }
  t.equal(defaultRole('none', kind), 'participant', 'guests of a moderated room may begin with voice')
  t.end()
})

t.test('affiliations change as in table 7', (t) => {
  // Who may, by what somebody is and shall be; `-` is for what changes nothing.
  const table: Readonly<Record<Affiliation, Readonly<Record<Affiliation, string>>>> = {
    outcast: { outcast: '-', none: 'admin owner', member: 'admin owner', admin: 'owner', owner: 'owner' },
    none: { outcast: 'admin owner', none: '-', member: 'admin owner', admin: 'owner', owner: 'owner' },
    member: { outcast: 'admin owner', none: 'admin owner', member: '-', admin: 'owner', owner: 'owner' },
    admin: { outcast: 'owner', none: 'owner', member: 'owner', admin: '-', owner: 'owner' },
    owner: { outcast: 'owner', none: 'owner', member: 'owner', admin: 'owner', owner: '-' },
  }
  for (const from of affiliations) {
    for (const to of affiliations) {
      const may = table[from][to]
      if (may === '-') continue
      for (const actor of affiliations) {
        const refusal = refusalOf(affiliationRefusals, { actor, from, to, isSelf: false, isDomain: false })
        t.equal(refusal === undefined, may.split(' ').includes(actor), `${actor} makes ${from} ${to}`)
      }
    }
  }
  t.end()
})

t.test('refuses changes of affiliations as the XEP names it', (t) => {
  const condition = (actor: Affiliation, from: Affiliation, to: Affiliation, more = {}): string | undefined =>
    refusalOf(affiliationRefusals, { actor, from, to, isSelf: false, isDomain: false, ...more })?.condition
  t.equal(condition('member', 'none', 'outcast'), 'forbidden', 'no admin (§9)')
  t.equal(condition('admin', 'none', 'admin'), 'forbidden', 'no owner (§10.6)')
  t.equal(condition('admin', 'owner', 'outcast'), 'not-allowed', 'of higher affiliation (§9.1)')
  t.equal(condition('admin', 'admin', 'outcast', { isSelf: true }), 'conflict', 'oneself (§9.1)')
  t.equal(condition('owner', 'owner', 'outcast', { isSelf: true }), 'conflict', 'oneself (§9.1)')
  t.equal(condition('owner', 'owner', 'member', { isSelf: true }), undefined, 'to step down is allowed')
  t.equal(condition('admin', 'none', 'outcast', { isDomain: true }), undefined, 'a domain (§9.2)')
  t.equal(condition('admin', 'none', 'member', { isDomain: true }), 'not-acceptable', 'a domain of members')
  t.end()
})

t.test('roles change as the XEP allows', (t) => {
  const condition = (
    [actorRole, actor]: readonly [Role, Affiliation],
    [from, target]: readonly [Role, Affiliation],
    to: Role,
    isSelf = false,
  ): string | undefined => refusalOf(roleRefusals, { actorRole, actor, from, target, to, isSelf })?.condition
  const cases: readonly (readonly [
    string,
    readonly [Role, Affiliation],
    readonly [Role, Affiliation],
    Role,
    string | undefined,
  ])[] = [
    ['kicks a visitor (§8.2)', ['moderator', 'none'], ['visitor', 'none'], 'none', undefined],
    ['kicks a member', ['moderator', 'member'], ['participant', 'member'], 'none', undefined],
    ['a participant kicks nobody (§8)', ['participant', 'none'], ['visitor', 'none'], 'none', 'forbidden'],
    ['an admin who is no moderator neither', ['none', 'admin'], ['visitor', 'none'], 'none', 'forbidden'],
    ['kicks no higher affiliation', ['moderator', 'member'], ['participant', 'admin'], 'none', 'not-allowed'],
    ['an admin kicks no owner', ['moderator', 'admin'], ['moderator', 'owner'], 'none', 'not-allowed'],
    ['an admin kicks a moderator (§5.1.3)', ['moderator', 'admin'], ['moderator', 'none'], 'none', undefined],
    ['a mere moderator does not', ['moderator', 'none'], ['moderator', 'none'], 'none', 'not-allowed'],
    ['grants voice (§8.3)', ['moderator', 'none'], ['visitor', 'member'], 'participant', undefined],
    ['revokes voice (§8.4)', ['moderator', 'member'], ['participant', 'none'], 'visitor', undefined],
    ['revokes no voice of an equal', ['moderator', 'member'], ['participant', 'member'], 'visitor', 'not-allowed'],
    ['nobody revokes the voice of an admin', ['moderator', 'owner'], ['moderator', 'admin'], 'visitor', 'not-allowed'],
    ['grants moderation (§9.6)', ['moderator', 'admin'], ['participant', 'none'], 'moderator', undefined],
    ['a mere moderator does not', ['moderator', 'member'], ['participant', 'none'], 'moderator', 'forbidden'],
    ['revokes moderation (§9.7)', ['moderator', 'admin'], ['moderator', 'member'], 'participant', undefined],
    ['a mere moderator does not', ['moderator', 'none'], ['moderator', 'none'], 'participant', 'forbidden'],
    ['nobody takes it from admins', ['moderator', 'owner'], ['moderator', 'admin'], 'participant', 'not-allowed'],
  ]
  for (const [name, actor, target, to, expected] of cases) t.equal(condition(actor, target, to), expected, name)
  t.equal(condition(['moderator', 'none'], ['moderator', 'none'], 'none', true), undefined, 'kicks oneself (§8.2)')
  t.end()
})

t.test('lists are for those who may know', (t) => {
  const may = (actor: Affiliation, list: Affiliation, isNonAnonymous = false, isMembersOnly = false): boolean =>
    mayReadList({ actor, list, isNonAnonymous, isMembersOnly })
  t.equal(may('admin', 'member'), true)
  t.equal(may('admin', 'outcast'), true)
  t.equal(may('admin', 'owner'), false, 'semi-anonymous (§10.5)')
  t.equal(may('owner', 'admin'), true)
  t.equal(may('member', 'member'), false, 'semi-anonymous (§5.2.1)')
  t.equal(may('member', 'member', true, true), true, 'everybody knows everybody (§9.5)')
  t.equal(may('member', 'owner', true, true), true)
  t.equal(may('member', 'outcast', true, true), false)
  t.equal(may('none', 'member', true, true), false)
  t.equal(may('member', 'member', true, false), false)
  t.end()
})

t.test('affiliates are found by person before domain, and nicknames by their holder', (t) => {
  const affiliates = new Affiliates([
    ['romeo@a.example', { affiliation: 'owner', nick: 'Romeo' }],
    ['b.example', { affiliation: 'outcast' }],
    ['good@b.example', { affiliation: 'member' }],
    ['c.example', { affiliation: 'member' }],
  ])
  t.equal(affiliates.of(Jid.parse('romeo@a.example/x')), 'owner')
  t.equal(affiliates.of(Jid.parse('evil@b.example/x')), 'outcast')
  t.equal(affiliates.of(Jid.parse('good@b.example/x')), 'member')
  t.equal(affiliates.of(Jid.parse('somebody@c.example/x')), 'none')
  t.equal(affiliates.holderOf('Romeo'), 'romeo@a.example')

  t.equal(affiliates.wouldHaveOwner(new Map([['romeo@a.example', undefined]])), false)
  t.equal(
    affiliates.wouldHaveOwner(
      new Map([
        ['good@b.example', { affiliation: 'owner' as const }],
        ['romeo@a.example', undefined],
      ]),
    ),
    true,
  )

  affiliates.apply(new Map([['romeo@a.example', { affiliation: 'owner', nick: 'R' }]]))
  t.equal(affiliates.holderOf('Romeo'), undefined)
  t.equal(affiliates.holderOf('R'), 'romeo@a.example')
  affiliates.apply(new Map([['good@b.example', { affiliation: 'member', nick: 'R' }]]))
  affiliates.apply(new Map([['romeo@a.example', undefined]]))
  t.equal(affiliates.holderOf('R'), 'good@b.example', 'not released by who had it before')
  t.end()
})
