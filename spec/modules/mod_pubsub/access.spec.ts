/** XEP-0060 §4.1, §4.5: the tables of the XEP, cell by cell. */
import t from 'tap'
import {
  type AccessModel,
  accessModels,
  type Affiliation,
  affiliations,
  type Denial,
  denialOf,
  denials,
  mayPublish,
  publishModels,
  type Relation,
} from '../../../modules/mod_pubsub/access.ts'

const relation = (affiliation: Affiliation, has: Partial<Relation> = {}): Relation => ({
  affiliation,
  isSubscribed: false,
  seesPresence: false,
  isInGroup: false,
  ...has,
})

/** Everything that somebody can be besides an affiliation. */
const circumstances: readonly Partial<Relation>[] = [false, true].flatMap((isSubscribed) =>
  [false, true].flatMap((seesPresence) =>
    [false, true].map((isInGroup) => ({ isSubscribed, seesPresence, isInGroup })),
  ),
)

t.test('affiliations decide before the model does', (t) => {
  const reads: Partial<Record<Affiliation, Denial | 'yes'>> = {
    owner: 'yes',
    publisher: 'yes',
    member: 'yes',
    'publish-only': 'blocked',
    outcast: 'blocked',
  }
  for (const affiliation of affiliations) {
    const expected = reads[affiliation]
    if (expected === undefined) continue
    for (const model of accessModels) {
      for (const has of circumstances) {
        const denial = denialOf(model, relation(affiliation, has))
        t.equal(denial ?? 'yes', expected, `${affiliation} of a node that is ${model}, ${JSON.stringify(has)}`)
      }
    }
  }
  t.end()
})

t.test('for everybody else the model decides', (t) => {
  const needed: Record<
    AccessModel,
    { readonly needs: readonly (keyof Relation)[]; readonly denial: Denial | undefined }
  > = {
    open: { needs: [], denial: undefined },
    presence: { needs: ['seesPresence'], denial: 'needs-presence' },
    roster: { needs: ['seesPresence', 'isInGroup'], denial: 'needs-group' },
    authorize: { needs: ['isSubscribed'], denial: 'needs-approval' },
    // Nothing that somebody has can help who is not on the list.
    whitelist: { needs: ['affiliation'], denial: 'needs-listing' },
  }
  for (const model of accessModels) {
    const { needs, denial } = needed[model]
    for (const has of circumstances) {
      const may = model !== 'whitelist' && needs.every((need) => has[need] === true)
      t.equal(denialOf(model, relation('none', has)), may ? undefined : denial, `${model}, ${JSON.stringify(has)}`)
    }
  }
  t.end()
})

t.test('who may publish', (t) => {
  const table: Record<
    Affiliation,
    readonly [publishers: boolean, subscribers: boolean, subscribed: boolean, open: boolean]
  > = {
    owner: [true, true, true, true],
    publisher: [true, true, true, true],
    'publish-only': [true, true, true, true],
    member: [false, false, true, true],
    none: [false, false, true, true],
    outcast: [false, false, false, false],
  }
  for (const affiliation of affiliations) {
    const [publishers, subscribers, subscribed, open] = table[affiliation]
    const results = [
      mayPublish('publishers', relation(affiliation, { isSubscribed: true })),
      mayPublish('subscribers', relation(affiliation)),
      mayPublish('subscribers', relation(affiliation, { isSubscribed: true })),
      mayPublish('open', relation(affiliation)),
    ]
    t.strictSame(results, [publishers, subscribers, subscribed, open], affiliation)
  }
  t.equal(publishModels.length, 3)
  t.end()
})

t.test('refusals are those that the XEP names', (t) => {
  const table: Record<Denial, string> = {
    blocked: 'auth forbidden -',
    'needs-presence': 'auth not-authorized presence-subscription-required',
    'needs-group': 'auth not-authorized not-in-roster-group',
    'needs-approval': 'auth not-authorized not-subscribed',
    'needs-listing': 'cancel not-allowed closed-node',
  }
  for (const [name, make] of Object.entries(denials)) {
    const { type, condition, extra } = make()
    t.equal(`${type} ${condition} ${extra?.name ?? '-'}`, table[name as Denial], name)
  }
  t.end()
})
