/** XEP-0492: of what accounts want to be told in their rooms, as their bookmarks say (XEP-0402). */
import { LRUCache } from 'lru-cache'
import { defineModule } from '../server/host/module.ts'
import type { Jid } from '../server/jid/jid.ts'
import type { Element } from '../server/xml/element.ts'
import type { Wish } from './mod_muc_members/wishes.ts'

const NODE = 'urn:xmpp:bookmarks:1'
const NS_SETTINGS = 'urn:xmpp:notification-settings:1'
const WISHES: readonly Wish[] = ['always', 'on-mention', 'never']

/** Accounts of which the bookmarks are kept in mind. */
const MOST_ACCOUNTS = 5000

export default defineModule({
  name: 'muc_wishes',
  about: 'knows of which messages in rooms accounts want to hear while they are away',
  xeps: { 492: '0.2.0' },
  on: ['local'],
  depends: ['pep'],

  setup(host) {
    const known = new LRUCache<string, ReadonlyMap<string, Wish>>({ max: MOST_ACCOUNTS })

    host.on('pep/changed', ({ account, node }) => {
      if (node === NODE) known.delete(account.bare)
    })

    host.on(
      'push/room-message',
      async (message) => {
        const wishes = known.get(message.account.bare) ?? (await read(message.account))
        message.wish = wishes.get(message.room.full) ?? message.wish
      },
      'rewrite',
    )

    async function read(account: Jid): Promise<ReadonlyMap<string, Wish>> {
      const pep = host.service('pep')
      const items = (await pep.items(account, NODE)) ?? []
      const wishes = new Map<string, Wish>()
      for (const item of items) {
        const wish = wishIn(pep.payload(item))
        if (wish !== undefined) wishes.set(item.id, wish)
      }
      known.set(account.bare, wishes)
      return wishes
    }
  },
})

/** What is said for phones, which are those that sleep; or for clients, or for all (§3). */
function wishIn(conference: Element | undefined): Wish | undefined {
  const notify = conference?.child('extensions')?.child('notify', NS_SETTINGS)
  const settings = notify?.elements.filter(({ ns }) => ns === NS_SETTINGS) ?? []
  const of = (category: string | undefined, type: string | undefined) =>
    settings.find(({ attrs }) => attrs['identity-category'] === category && attrs['identity-type'] === type)
  const setting = of('client', 'phone') ?? of('client', undefined) ?? of(undefined, undefined)
  return WISHES.find((wish) => wish === setting?.name)
}
