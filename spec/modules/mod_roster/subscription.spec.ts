import t from 'tap'
import {
  partingTypes,
  type SubscriptionState,
  type SubscriptionType,
  subscriptionAfter,
} from '../../../modules/mod_roster/subscription.ts'

/** The nine states of RFC 6121 appendix A.1. */
const states = {
  None: {},
  'None + Pending Out': { ask: true },
  'None + Pending In': { asked: true },
  'None + Pending Out+In': { ask: true, asked: true },
  To: { to: true },
  'To + Pending In': { to: true, asked: true },
  From: { from: true },
  'From + Pending Out': { from: true, ask: true },
  Both: { to: true, from: true },
} as const

type StateName = keyof typeof states
/** Whether the stanza is routed or delivered, and the state that follows if it is another one. */
type Cell = readonly ['MUST' | 'MUST NOT', StateName?]
type Table = Readonly<Record<StateName, Cell>>

const not: Cell = ['MUST NOT']
const must: Cell = ['MUST']

/** A.2: what the account's clients send. */
const outgoing: Readonly<Record<SubscriptionType, Table>> = {
  subscribe: {
    None: ['MUST', 'None + Pending Out'],
    'None + Pending Out': must,
    'None + Pending In': ['MUST', 'None + Pending Out+In'],
    'None + Pending Out+In': must,
    To: must,
    'To + Pending In': must,
    From: ['MUST', 'From + Pending Out'],
    'From + Pending Out': must,
    Both: must,
  },
  unsubscribe: {
    None: must,
    'None + Pending Out': ['MUST', 'None'],
    'None + Pending In': must,
    'None + Pending Out+In': ['MUST', 'None + Pending In'],
    To: ['MUST', 'None'],
    'To + Pending In': ['MUST', 'None + Pending In'],
    From: must,
    'From + Pending Out': ['MUST', 'From'],
    Both: ['MUST', 'From'],
  },
  subscribed: {
    None: not,
    'None + Pending Out': not,
    'None + Pending In': ['MUST', 'From'],
    'None + Pending Out+In': ['MUST', 'From + Pending Out'],
    To: not,
    'To + Pending In': ['MUST', 'Both'],
    From: not,
    'From + Pending Out': not,
    Both: not,
  },
  unsubscribed: {
    None: not,
    'None + Pending Out': not,
    'None + Pending In': ['MUST', 'None'],
    'None + Pending Out+In': ['MUST', 'None + Pending Out'],
    To: not,
    'To + Pending In': ['MUST', 'To'],
    From: ['MUST', 'None'],
    'From + Pending Out': ['MUST', 'None + Pending Out'],
    Both: ['MUST', 'To'],
  },
}

/** A.3: what the contact sends. */
const incoming: Readonly<Record<SubscriptionType, Table>> = {
  subscribe: {
    None: ['MUST', 'None + Pending In'],
    'None + Pending Out': ['MUST', 'None + Pending Out+In'],
    'None + Pending In': not,
    'None + Pending Out+In': not,
    To: ['MUST', 'To + Pending In'],
    'To + Pending In': not,
    From: not,
    'From + Pending Out': not,
    Both: not,
  },
  unsubscribe: {
    None: not,
    'None + Pending Out': not,
    'None + Pending In': ['MUST', 'None'],
    'None + Pending Out+In': ['MUST', 'None + Pending Out'],
    To: not,
    'To + Pending In': ['MUST', 'To'],
    From: ['MUST', 'None'],
    'From + Pending Out': ['MUST', 'None + Pending Out'],
    Both: ['MUST', 'To'],
  },
  subscribed: {
    None: not,
    'None + Pending Out': ['MUST', 'To'],
    'None + Pending In': not,
    'None + Pending Out+In': ['MUST', 'To + Pending In'],
    To: not,
    'To + Pending In': not,
    From: not,
    'From + Pending Out': ['MUST', 'Both'],
    Both: not,
  },
  unsubscribed: {
    None: not,
    'None + Pending Out': ['MUST', 'None'],
    'None + Pending In': not,
    'None + Pending Out+In': ['MUST', 'None + Pending In'],
    To: ['MUST', 'None'],
    'To + Pending In': ['MUST', 'None + Pending In'],
    From: not,
    'From + Pending Out': ['MUST', 'From'],
    Both: ['MUST', 'From'],
  },
}

function stateCalled(name: StateName): SubscriptionState {
  return { to: false, from: false, ask: false, asked: false, ...states[name] }
}

// The names of a table are those of its type.
const keysOf = <T extends object>(table: T): (keyof T)[] => Object.keys(table) as (keyof T)[]

for (const [direction, tables] of Object.entries({ outgoing, incoming } as const)) {
  for (const type of keysOf(tables)) {
    t.test(`RFC 6121 appendix A: ${direction} ${type}`, (t) => {
      for (const name of keysOf(tables[type])) {
        const [routed, next = name] = tables[type][name]
        const after = subscriptionAfter(stateCalled(name), direction as 'outgoing' | 'incoming', type)
        t.strictSame(after, { state: stateCalled(next), passes: routed === 'MUST' }, name)
      }
      t.end()
    })
  }
}

t.test('a contact that is removed is told of everything that it had', (t) => {
  const told: Readonly<Record<StateName, readonly SubscriptionType[]>> = {
    None: [],
    'None + Pending Out': ['unsubscribe'],
    'None + Pending In': ['unsubscribed'],
    'None + Pending Out+In': ['unsubscribe', 'unsubscribed'],
    To: ['unsubscribe'],
    'To + Pending In': ['unsubscribe', 'unsubscribed'],
    From: ['unsubscribed'],
    'From + Pending Out': ['unsubscribe', 'unsubscribed'],
    Both: ['unsubscribe', 'unsubscribed'],
  }
  for (const name of keysOf(told)) t.strictSame(partingTypes(stateCalled(name)), told[name], name)
  t.end()
})
