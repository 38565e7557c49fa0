/** XEP-0055: Jabber Search, among the accounts of the host that have a card and do not mind. */
import { LRUCache } from 'lru-cache'
import { nodeAt } from '../../server/admin/account-argument.ts'
import { CommandError } from '../../server/admin/command.ts'
import { t } from '../../server/config/types.ts'
import type { IqRequest } from '../../server/host/host.ts'
import { defineModule } from '../../server/host/module.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { paced } from '../../server/util/paced.ts'
import { TokenBucket } from '../../server/util/token-bucket.ts'
import { keyval } from '../../storage/store.ts'
import { blankQuery, foundQuery, NS_SEARCH, readQuery } from './queries.ts'
import { matches, type Person, personOn, wantedOf } from './people.ts'

const SEARCHES = { perSecond: 0.2, burst: 10 }
const MOST_SEARCHERS = 10_000
/** Cards that are read without a pause when the module begins. */
const SLICE = { count: 20, pauseMilliseconds: 10 }

export default defineModule({
  name: 'user_search',
  about: 'lets people of the host find each other by their cards',
  xeps: { 55: '1.3' },
  on: [],
  depends: ['accounts', 'vcard'],
  config: {
    most_found: t.integer({ min: 1, max: 500 }).default(50).describe('Accounts that a search finds at most.'),
  },
  /** Of those who do not want to be found. */
  stores: { hidden: keyval<true>('search_hidden') },

  async setup(host, { config, stores }) {
    const accounts = host.service('accounts')
    const cards = host.service('vcard')
    const people = new Map<string, Person>()
    const hidden = new Set<string>()
    for await (const node of stores.hidden.owners()) hidden.add(node)
    const buckets = new LRUCache<string, TokenBucket>({ max: MOST_SEARCHERS })

    host.feature(NS_SEARCH)
    host.provide('identity', { category: 'directory', type: 'user', name: 'People' })

    host.on('vcard/changed', ({ account, card }) => note(account.node ?? '', card && personOn(card)))
    host.on('account/removed', ({ node }) => {
      people.delete(node)
      hidden.delete(node)
    })
    host.spawn('read cards', async (signal) => {
      await paced(accounts.list(), read, { ...SLICE, clock: host.clock, signal })
    })

    host.iq({ type: 'get', ns: NS_SEARCH, name: 'query', at: 'host' }, (request) => {
      requireLocal(request)
      return blankQuery()
    })

    host.iq({ type: 'set', ns: NS_SEARCH, name: 'query', at: 'host' }, async (request) => {
      requireLocal(request)
      const { style, said } = readQuery(request.payload)
      const wanted = wantedOf(said)
      if (wanted === undefined) throw new StanzaError('not-acceptable', 'Fill in a field, with two characters or more')
      limit(request.from)
      return foundQuery(style, await find(wanted, request.from))
    })

    for (const { name, about, isHidden } of WISHES) {
      host.command({
        name: `directory ${name}`,
        about,
        role: 'user',
        adhoc: { omits: ['jid'] },
        args: { jid: t.jid().optional().describe('Whose wish it is.') },
        async run({ jid }, report, by) {
          const account = jid ?? by ?? host.jid
          const node = nodeAt(host.domain, account)
          if (!(await accounts.exists(node))) throw new CommandError(`there is no account ${account.bare}`)
          await stores.hidden.set(node, isHidden ? true : undefined)
          if (isHidden) hidden.add(node)
          else hidden.delete(node)
          report(isHidden ? `${account.bare} is not found any more` : `${account.bare} can be found`)
        },
      })
    }

    async function read(node: string): Promise<void> {
      const card = await cards.get(host.jid.withNode(node))
      // Unless it has changed meanwhile, which is later news.
      if (!people.has(node)) note(node, card && personOn(card))
    }

    function note(node: string, person: Person | undefined): void {
      if (person === undefined) people.delete(node)
      else people.set(node, person)
    }

    async function find(wanted: Person, asking: Jid): Promise<ReadonlyMap<string, Person>> {
      const nodes = [...people].filter(([node, person]) => !hidden.has(node) && matches(person, wanted))
      const found = new Map<string, Person>()
      for (const [node] of nodes.toSorted(([one], [other]) => (one < other ? -1 : 1))) {
        if (found.size >= config.most_found) break
        const account = host.jid.withNode(node)
        const person = await shown(account, asking)
        if (person !== undefined && matches(person, wanted)) found.set(account.bare, person)
      }
      return found
    }

    /** What somebody may see of the card of an account, and nothing of one that is disabled. */
    async function shown(account: Jid, asking: Jid): Promise<Person | undefined> {
      if ((await accounts.get(account.node ?? ''))?.disabled === true) return undefined
      const shape = { account, asking, card: await cards.get(account) }
      await host.fire('vcard/asked', shape)
      return shape.card && personOn(shape.card)
    }

    function requireLocal({ origin, from }: IqRequest): void {
      if (origin.kind === 'client' && from.domain === host.domain) return
      throw new StanzaError('forbidden', `Only for people of ${host.domain}`)
    }

    /** Each search looks at everybody. */
    function limit({ bare }: Jid): void {
      const now = host.clock.now()
      const bucket = buckets.get(bare) ?? new TokenBucket(SEARCHES, now)
      buckets.set(bare, bucket)
      if (!bucket.tryTake(1, now)) throw new StanzaError('resource-constraint', 'Too many searches')
    }
  },
})

const WISHES = [
  { name: 'hide', isHidden: true, about: 'lets nobody find your account by searching' },
  { name: 'show', isHidden: false, about: 'lets people find your account by searching again' },
]
