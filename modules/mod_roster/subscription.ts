/** RFC 6121 §3 and appendix A: how subscriptions come, change and end. */

/** What a subscription stanza asks for or tells. */
export type SubscriptionType = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed'

/** How an account stands with one contact. The nine states of appendix A.1 are the combinations that make sense. */
export interface SubscriptionState {
  /** We get the contact's presence. */
  readonly to: boolean
  /** The contact gets ours. */
  readonly from: boolean
  /** We have asked to get the contact's presence ("Pending Out"). */
  readonly ask: boolean
  /** The contact has asked to get ours, and has no answer ("Pending In"). */
  readonly asked: boolean
}

export const unrelated: SubscriptionState = { to: false, from: false, ask: false, asked: false }

interface Transition {
  /** Only if one of these holds; always, if there are none. */
  readonly ifAny?: readonly (keyof SubscriptionState)[]
  /** Not if one of these holds. */
  readonly unless?: readonly (keyof SubscriptionState)[]
  readonly set: Partial<SubscriptionState>
  /** Whether the stanza goes on to the contact, or to the account's clients. */
  readonly passes: 'always' | 'if-it-applies'
}

/** Appendix A.2: the account's client sends. */
const outgoing: Readonly<Record<SubscriptionType, Transition>> = {
  subscribe: { unless: ['to'], set: { ask: true }, passes: 'always' },
  unsubscribe: { set: { to: false, ask: false }, passes: 'always' },
  subscribed: { ifAny: ['asked'], set: { asked: false, from: true }, passes: 'if-it-applies' },
  unsubscribed: { ifAny: ['asked', 'from'], set: { asked: false, from: false }, passes: 'if-it-applies' },
}

/** Appendix A.3: the contact sends. */
const incoming: Readonly<Record<SubscriptionType, Transition>> = {
  subscribe: { unless: ['from', 'asked'], set: { asked: true }, passes: 'if-it-applies' },
  unsubscribe: { ifAny: ['asked', 'from'], set: { asked: false, from: false }, passes: 'if-it-applies' },
  subscribed: { ifAny: ['ask'], set: { ask: false, to: true }, passes: 'if-it-applies' },
  unsubscribed: { ifAny: ['ask', 'to'], set: { ask: false, to: false }, passes: 'if-it-applies' },
}

const transitions = { outgoing, incoming }

/** What a subscription stanza does to a state, and whether it goes on. */
export function subscriptionAfter(
  state: SubscriptionState,
  direction: 'outgoing' | 'incoming',
  type: SubscriptionType,
): { readonly state: SubscriptionState; readonly passes: boolean } {
  const { ifAny, unless, set, passes } = transitions[direction][type]
  const holds = (flag: keyof SubscriptionState): boolean => state[flag]
  const applies = (ifAny === undefined || ifAny.some(holds)) && !unless?.some(holds)
  return { state: applies ? { ...state, ...set } : state, passes: applies || passes === 'always' }
}

/** What a contact must be told that is one no longer (RFC 6121 §2.5.2). */
export function partingTypes({ to, from, ask, asked }: SubscriptionState): readonly SubscriptionType[] {
  const types: SubscriptionType[] = []
  if (to || ask) types.push('unsubscribe')
  if (from || asked) types.push('unsubscribed')
  return types
}

export function isSubscriptionType(type: string | undefined): type is SubscriptionType {
  return type !== undefined && Object.hasOwn(outgoing, type)
}
