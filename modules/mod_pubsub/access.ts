/** XEP-0060 §4.1, §4.5: who may do what with a node. */
import { pubsubError } from '../../server/protocol/pubsub-error.ts'
import { StanzaError } from '../../server/stanza-error.ts'

/** From the most to the least. */
export const affiliations = ['owner', 'publisher', 'publish-only', 'member', 'none', 'outcast'] as const
export type Affiliation = (typeof affiliations)[number]

export const accessModels = ['authorize', 'open', 'presence', 'roster', 'whitelist'] as const
export type AccessModel = (typeof accessModels)[number]

export const publishModels = ['publishers', 'subscribers', 'open'] as const
export type PublishModel = (typeof publishModels)[number]

/** How somebody stands to a node. */
export interface Relation {
  readonly affiliation: Affiliation
  /** Has a subscription that nobody needs to approve any more. */
  readonly isSubscribed: boolean
  /** Gets the presence of the account whose node it is. */
  readonly seesPresence: boolean
  /** Is in one of the roster groups that the node is for. */
  readonly isInGroup: boolean
}

/** Why somebody may not subscribe or retrieve items. */
export type Denial = 'blocked' | 'needs-presence' | 'needs-group' | 'needs-approval' | 'needs-listing'

/** Undefined if the node may be read by them (§4.1, §4.5, §6.5.1). */
export function denialOf(model: AccessModel, relation: Relation): Denial | undefined {
  const { read } = privileges[relation.affiliation]
  if (read === 'by-model') return deniedByModel[model](relation)
  return read === 'always' ? undefined : read
}

export function mayPublish(model: PublishModel, { affiliation, isSubscribed }: Relation): boolean {
  const { publish } = privileges[affiliation]
  if (publish !== 'by-model') return publish === 'always'
  return model === 'open' || (model === 'subscribers' && isSubscribed)
}

/** As far as it is about retrieving items (§6.5.9) and subscribing (§6.1.3). */
export const denials: Readonly<Record<Denial, () => StanzaError>> = {
  blocked: () => new StanzaError('forbidden'),
  'needs-presence': () => pubsubError('presence-subscription-required'),
  'needs-group': () => pubsubError('not-in-roster-group'),
  'needs-approval': () => pubsubError('not-subscribed', undefined, 'not-authorized'),
  'needs-listing': () => pubsubError('closed-node'),
}

/** §4.1: what an affiliation allows, whatever the models say, and where they decide. */
const privileges: Readonly<
  Record<
    Affiliation,
    { readonly read: 'always' | 'by-model' | Denial; readonly publish: 'always' | 'by-model' | 'never' }
  >
> = {
  owner: { read: 'always', publish: 'always' },
  publisher: { read: 'always', publish: 'always' },
  'publish-only': { read: 'blocked', publish: 'always' },
  member: { read: 'always', publish: 'by-model' },
  none: { read: 'by-model', publish: 'by-model' },
  outcast: { read: 'blocked', publish: 'never' },
}

const deniedByModel: Readonly<Record<AccessModel, (relation: Relation) => Denial | undefined>> = {
  open: () => undefined,
  presence: ({ seesPresence }) => (seesPresence ? undefined : 'needs-presence'),
  roster: ({ seesPresence, isInGroup }) => (seesPresence && isInGroup ? undefined : 'needs-group'),
  authorize: ({ isSubscribed }) => (isSubscribed ? undefined : 'needs-approval'),
  whitelist: () => 'needs-listing',
}

export function isAffiliation(text: string | undefined): text is Affiliation {
  return affiliations.some((known) => known === text)
}
