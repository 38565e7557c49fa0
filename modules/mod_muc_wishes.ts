/** XEP-0492: of what accounts want to be told in their chats, as their bookmarks say (XEP-0402). */
import { LRUCache } from 'lru-cache'
import { defineModule } from '../server/host/module.ts'
import type { Jid } from '../server/jid/jid.ts'
import type { Element } from '../server/xml/element.ts'
import type { Maybe } from '../server/util/maybe.ts'
import type { Wish } from './mod_muc_members/wishes.ts'

const NODE = 'urn:xmpp:bookmarks:1'
const NS_SETTINGS = 'urn:xmpp:notification-settings:1'
const WISHES: readonly Wish[] = ['always', 'on-mention', 'never']

/** What accounts want to hear while they are away. */
export interface ChatWishes {
  /** In a chat with somebody, or in a room; undefined if the account has not said. Both bare. */
  of(account: Jid, chat: Jid): Maybe<Wish | undefined>
}

declare module '../server/host/module.ts' {
  interface Services {
    muc_wishes: ChatWishes
  }
}

/** Accounts of which the bookmarks are kept in mind. */
const MOST_ACCOUNTS = 5000

export default defineModule({
  name: 'muc_wishes',
  about: 'knows of which messages accounts want to hear while they are away',
  xeps: { 492: '0.2.0' },
  on: ['local'],
  depends: ['pep'],

  setup(host) {
    const known = new LRUCache<string, ReadonlyMap<string, Wish>>({ max: MOST_ACCOUNTS })
    /** Of any bookmarks: what was read while some were changed may be old. */
    let changes = 0

    host.on('pep/changed', ({ account, node }) => {
      if (node !== NODE) return
      changes++
      known.delete(account.bare)
    })

    host.on(
      'push/room-message',
      async (message) => {
        message.wish = (await of(message.account, message.room)) ?? message.wish
      },
      'rewrite',
    )

    // A client that sleeps, but is connected, needs no other way to hear of it.
    host.on('csi/urgent', ({ stanza, session: { account } }) => {
      if (stanza.type !== 'groupchat' || !stanza.has('body')) return undefined
      const wishes = known.get(account.jid.bare)
      if (wishes === undefined) {
        // This message has to do without.
        host.spawn('read bookmarks', async () => void (await read(account.jid)))
        return undefined
      }
      const wish = wishes.get(host.parseJid(stanza.from ?? host.domain).bare)
      return wish === undefined || wish === 'on-mention' ? undefined : wish === 'always'
    })

    return { of } satisfies ChatWishes

    function of(account: Jid, chat: Jid): Maybe<Wish | undefined> {
      const wishes = known.get(account.bare)
      return wishes === undefined ? read(account).then((found) => found.get(chat.full)) : wishes.get(chat.full)
    }

    async function read(account: Jid): Promise<ReadonlyMap<string, Wish>> {
      const before = changes
      const pep = host.service('pep')
      const items = (await pep.items(account, NODE)) ?? []
      const wishes = new Map<string, Wish>()
      for (const item of items) {
        const wish = wishIn(pep.payload(item))
        if (wish !== undefined) wishes.set(item.id, wish)
      }
      if (changes === before) known.set(account.bare, wishes)
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
