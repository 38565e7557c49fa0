/** XEP-0441: Message Archive Management Preferences. With whom an account's messages are archived. */
import { Jid } from '../../server/jid/jid.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'

export const policies = ['always', 'never', 'roster'] as const
export type Policy = (typeof policies)[number]

/** As they are stored. */
export interface StoredPreferences {
  readonly default: Policy
  /** Addresses, prepared. */
  readonly always: readonly string[]
  readonly never: readonly string[]
}

/** What an account wants, ready to be asked for each message. */
export class Preferences {
  readonly stored: StoredPreferences
  readonly #always: ReadonlySet<string>
  readonly #never: ReadonlySet<string>

  constructor(stored: StoredPreferences) {
    this.stored = stored
    this.#always = new Set(stored.always)
    this.#never = new Set(stored.never)
  }

  /** Whether messages with that address are archived, or 'roster' if that depends on whether it is a contact (§2.1.1, §2.3). */
  for({ full, bare }: Jid): Policy {
    if (this.#always.size + this.#never.size === 0) return this.stored.default
    return this.#listed(full) ?? this.#listed(bare) ?? this.stored.default
  }

  /** In both lists, the one that keeps less counts. */
  #listed(address: string): Policy | undefined {
    if (this.#never.has(address)) return 'never'
    return this.#always.has(address) ? 'always' : undefined
  }
}

/** Reads the `<prefs/>` of a request (§2.1). Throws StanzaError. */
export function readPreferences(prefs: Element): StoredPreferences {
  const policy = policies.find((known) => known === prefs.attrs['default'])
  if (policy === undefined) throw new StanzaError('bad-request', 'The default is always, never or roster')
  return { default: policy, always: readList(prefs, 'always'), never: readList(prefs, 'never') }
}

/** The answer, with what is stored. */
export function preferencesElement({ default: policy, always, never }: StoredPreferences): Element {
  return xml('prefs', { xmlns: NS.mam, default: policy }, listElement('always', always), listElement('never', never))
}

function readList(prefs: Element, name: string): readonly string[] {
  const elements =
    prefs.child(name)?.elements.filter((element) => element.name === 'jid' && element.ns === NS.mam) ?? []
  if (elements.length > LONGEST_LIST) throw new StanzaError('not-acceptable', `At most ${LONGEST_LIST} addresses`)
  const jids = elements.map((element) => {
    const jid = Jid.tryParse(element.getText().trim())
    if (jid === undefined) throw new StanzaError('jid-malformed', `The list ${name} has an address that is none`)
    return jid.full
  })
  return [...new Set(jids)]
}

function listElement(name: string, addresses: readonly string[]): Element {
  return xml(name, {}, ...addresses.map((address) => xml('jid', {}, address)))
}

const LONGEST_LIST = 500
