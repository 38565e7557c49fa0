/** XEP-0433: Extended Channel Search, for the public rooms of the service. */
import { LRUCache } from 'lru-cache'
import { t } from '../server/config/types.ts'
import type { IqRequest } from '../server/host/host.ts'
import { defineModule } from '../server/host/module.ts'
import { defineForm, readSubmission, renderForm } from '../server/protocol/data-form.ts'
import { formIn } from '../server/protocol/raw-form.ts'
import { pageOf, pageSize, readPageRequest, renderPage } from '../server/protocol/rsm.ts'
import { StanzaError, type StanzaCondition, type StanzaErrorOptions } from '../server/stanza-error.ts'
import { TokenBucket } from '../server/util/token-bucket.ts'
import { type Element, xml } from '../server/xml/element.ts'
import type { Shown } from './mod_muc/rooms.ts'

const NS_SEARCH = 'urn:xmpp:channel-search:0:search'
const NS_ERROR = 'urn:xmpp:channel-search:0:error'
const BY_USERS = '{urn:xmpp:channel-search:0:order}nusers'
const BY_ADDRESS = '{urn:xmpp:channel-search:0:order}address'
const SERVICE_TYPE = 'xep-0045'

const TERM_CHARS = 2
const SEARCHES = { perSecond: 0.5, burst: 20 }
const MOST_SEARCHERS = 10_000

const form = defineForm({
  type: 'urn:xmpp:channel-search:0:search-params',
  fields: [
    { type: 'text-single', var: 'q', label: 'Search for', maxChars: 200 },
    { type: 'boolean', var: 'all', label: 'Return all entries (ignore search terms)' },
    { type: 'boolean', var: 'sinname', label: 'Search in name', default: true },
    { type: 'boolean', var: 'sindescription', label: 'Search in description', default: true },
    { type: 'boolean', var: 'sinaddr', label: 'Search in address', default: true },
    {
      type: 'text-single',
      var: 'min_users',
      label: 'Minimum number of users',
      default: 0,
      validation: { datatype: 'xs:integer', range: { min: 0, max: 1_000_000 } },
    },
    {
      type: 'list-multi',
      var: 'types',
      label: 'Service types',
      options: [{ value: SERVICE_TYPE, label: 'XEP-0045 Multi User Chats' }],
      validation: { datatype: 'xs:string', open: true },
      default: [SERVICE_TYPE],
    },
    {
      type: 'list-single',
      var: 'key',
      label: 'Sort results by',
      options: [
        { value: BY_USERS, label: 'Number of online users' },
        { value: BY_ADDRESS, label: 'Address' },
      ],
      validation: { datatype: 'xs:string', open: true },
      default: BY_USERS,
    },
  ],
})

/** What somebody is looking for. */
interface Search {
  /** All of them must be found; none: everything is wanted. */
  readonly terms: readonly string[]
  readonly isIn: { readonly name: boolean; readonly description: boolean; readonly address: boolean }
  readonly fewest: number
  readonly order: typeof BY_USERS | typeof BY_ADDRESS
}

/** A room that was found. */
interface Found extends Shown {
  readonly address: string
  readonly users: number
}

export default defineModule({
  name: 'muc_search',
  about: 'finds public rooms',
  xeps: { 433: '0.1.0' },
  on: ['muc'],
  depends: ['muc'],
  config: {
    allow_all: t.boolean().default(true).describe('Whether somebody may ask for all public rooms at once, in pages.'),
    page: t.integer({ min: 1, max: 500 }).default(50).describe('Rooms that are told at once at most.'),
  },

  setup(host, { config }) {
    const buckets = new LRUCache<string, TokenBucket>({ max: MOST_SEARCHERS })
    host.feature(NS_SEARCH)
    host.iq({ type: 'get', ns: NS_SEARCH, name: 'search', at: 'host' }, async (request) => {
      const x = formIn(request.payload)
      if (x === undefined) return xml('search', { xmlns: NS_SEARCH }, renderForm(form))
      const search = readSearch(x)
      if (search.terms.length === 0 && !config.allow_all) {
        throw refusal('not-allowed', 'full-set-retrieval-rejected', 'Not all rooms are told at once')
      }
      limit(request)
      return search.fewest === Infinity || !(await host.service('muc').mayList(request.from))
        ? resultElement(request, [])
        : resultElement(request, find(search))
    })

    function find(search: Search): readonly Found[] {
      const { rooms } = host.service('muc')
      const found: Found[] = []
      for (const [node, shown] of rooms.listed()) {
        const room = { ...shown, address: `${node}@${host.domain}`, users: rooms.occupancy(node) }
        if (room.users >= search.fewest && matches(search, room)) found.push(room)
      }
      const byAddress = (one: Found, other: Found) => (one.address < other.address ? -1 : 1)
      return found.toSorted((one, other) =>
        search.order === BY_USERS ? other.users - one.users || byAddress(one, other) : byAddress(one, other),
      )
    }

    function resultElement({ payload }: IqRequest, found: readonly Found[]): Element {
      const asked = readPageRequest(payload)
      const size = pageSize(asked, { usual: config.page, limit: config.page })
      const page = pageOf(found, ({ address }) => address, asked, size)
      return xml('result', { xmlns: NS_SEARCH }, ...page.items.map(itemElement), renderPage(page))
    }

    /** Each search looks at all rooms. */
    function limit({ from }: IqRequest): void {
      const now = host.clock.now()
      const bucket = buckets.get(from.bare) ?? new TokenBucket(SEARCHES, now)
      buckets.set(from.bare, bucket)
      if (bucket.tryTake(1, now)) return
      const extra = xml('rate-limit', { xmlns: NS_ERROR, 'retry-after': String(Math.ceil(1 / SEARCHES.perSecond)) })
      throw new StanzaError('resource-constraint', 'Too many searches', { extra })
    }
  },
})

function readSearch(x: Element): Search {
  const submission = readSubmission(form, x)
  if (submission === 'cancel') throw new StanzaError('bad-request', 'The data form must be of type submit')
  const { q, all = false, sinname = true, sindescription = true, sinaddr = true } = submission.values
  const { min_users: fewest = 0, types = [SERVICE_TYPE], key = BY_USERS } = submission.values
  const order = ([BY_USERS, BY_ADDRESS] as const).find((known) => known === key)
  if (order === undefined) {
    throw refusal('feature-not-implemented', 'invalid-sort-key', `There is no order ${key}`, { type: 'modify' })
  }
  if (all && q) throw refusal('bad-request', 'conflicting-fields', 'Either all rooms, or those that are searched for')
  if (!all && q === undefined) {
    throw refusal('bad-request', 'no-search-conditions', 'What is searched for?', { type: 'cancel' })
  }
  const terms = all ? [] : termsIn(q ?? '')
  const isIn = { name: sinname, description: sindescription, address: sinaddr }
  return { terms, isIn, fewest: types.includes(SERVICE_TYPE) ? fewest : Infinity, order }
}

function termsIn(text: string): readonly string[] {
  const terms = text
    .toLowerCase()
    .split(/\s+/)
    .filter((term) => term.length >= TERM_CHARS)
  if (terms.length > 0) return terms
  throw refusal('bad-request', 'invalid-search-terms', `Search terms must have at least ${TERM_CHARS} characters`)
}

function matches({ terms, isIn }: Search, { name, description, address }: Found): boolean {
  if (terms.length === 0) return true
  const parts = [isIn.name ? name : '', isIn.description ? description : '', isIn.address ? address : '']
  const text = parts.join('\n').toLowerCase()
  return terms.every((term) => text.includes(term))
}

function itemElement({ address, name, description, language, users, isOpen, isNonAnonymous }: Found): Element {
  const anonymity = isNonAnonymous ? '{urn:xmpp:channel-search:0:anonymity}none' : 'muc_semianonymous'
  return xml(
    'item',
    { address },
    name !== '' && xml('name', {}, name),
    description !== '' && xml('description', {}, description),
    language !== '' && xml('language', {}, language),
    xml('nusers', {}, String(users)),
    xml('service-type', {}, SERVICE_TYPE),
    isOpen && xml('is-open', {}),
    xml('anonymity-mode', {}, anonymity),
  )
}

function refusal(
  condition: StanzaCondition,
  detail: string,
  text: string,
  options: StanzaErrorOptions = {},
): StanzaError {
  return new StanzaError(condition, text, { ...options, extra: xml(detail, { xmlns: NS_ERROR }) })
}
