/** XEP-0402: PEP Native Bookmarks; and the same bookmarks for clients that keep them the older ways (XEP-0048, XEP-0049, XEP-0411). */
import { defineModule } from '../server/host/module.ts'
import type { Jid } from '../server/jid/jid.ts'
import { parseBoolean } from '../server/protocol/xsd.ts'
import { handled } from '../server/routed-stanza.ts'
import { type Element, xml } from '../server/xml/element.ts'
import type { Item } from './mod_pubsub/index.ts'

const NODE = 'urn:xmpp:bookmarks:1'
/** The namespace of the older format, and the node where some clients keep it. */
const OLD = 'storage:bookmarks'
const OLD_ID = 'current'
const CAUSE = 'bookmarks'

/** Nobody else sees them, and nobody needs the last of them alone (XEP-0402 §3.3). */
const CONFIG = { access_model: 'whitelist', max_items: 'max', send_last_published_item: 'never' } as const
const OLD_CONFIG = { access_model: 'whitelist' } as const

export default defineModule({
  name: 'bookmarks',
  about: 'keeps bookmarks of rooms, in the new way and the old ones',
  xeps: { 402: '1.2.0', 411: '1.1.0', 48: '1.2' },
  on: ['local'],
  depends: ['pep', 'private'],

  setup(host) {
    const pep = host.service('pep')
    const storage = host.service('private')
    for (const feature of [`${NODE}#compat`, `${NODE}#compat-pep`, 'urn:xmpp:bookmarks-conversion:0']) {
      host.provide('account-feature', feature)
    }
    host.provide('pep-defaults', { node: NODE, config: CONFIG })
    host.provide('pep-defaults', { node: OLD, config: OLD_CONFIG })

    host.on('pep/changed', async ({ account, node, cause, published }) => {
      if (cause === CAUSE) return
      if (node === NODE) await publishList(account)
      const list = node === OLD && published ? pep.payload(published) : undefined
      if (list !== undefined && isList(list)) await takeOver(account, list)
    })

    host.on('private/asked', async (event) => {
      const { account, asked, kept } = event
      if (!isList(asked)) return
      if (kept !== undefined) await migrate(account)
      else if ((await listOf(account)) === undefined) await publishList(account)
      event.kept = await listOf(account)
    })

    host.on('private/given', async ({ account, element }) => {
      if (!isList(element)) return undefined
      await pep.publish(account, OLD, { id: OLD_ID, payload: element, config: OLD_CONFIG, cause: CAUSE })
      await takeOver(account, element)
      return handled
    })

    host.on('pep/missing', async ({ account, node }) => {
      if (node !== NODE && node !== OLD) return
      await migrate(account)
      if (node === OLD) await publishList(account)
    })

    /** Bookmarks that have been kept in an older way only. */
    async function migrate(account: Jid): Promise<void> {
      const kept = await storage.get(account, { name: 'storage', ns: OLD })
      const list = kept ?? (await listOf(account))
      if (list === undefined) return
      await takeOver(account, list, 'keep others')
      if (kept === undefined) return
      await publishList(account, kept)
      await storage.remove(account, { name: 'storage', ns: OLD })
    }

    /** The list in the older format, as it is kept for clients that know no other. */
    async function listOf(account: Jid): Promise<Element | undefined> {
      const item = (await pep.items(account, OLD))?.at(-1)
      return item && pep.payload(item)
    }

    /** Makes the older list of what the new bookmarks are. What else is in it, or in `before`, stays. */
    async function publishList(account: Jid, before?: Element): Promise<void> {
      const former = await listOf(account)
      const rest = [...((before ?? former)?.elements ?? [])].filter((child) => !isConference(child))
      const items = (await pep.items(account, NODE)) ?? []
      const list = xml('storage', { xmlns: OLD }, ...items.flatMap((item) => toOld(item) ?? []), ...rest)
      if (list.toString() === former?.toString() || (former === undefined && list.elements.length === 0)) return
      // Whoever may read the node shall not learn more than has been in it (XEP-0411 §5).
      const config = await pep.config(account, OLD)
      if (config !== undefined && config.access_model !== 'whitelist') await pep.configure(account, OLD, OLD_CONFIG)
      await pep.publish(account, OLD, { id: OLD_ID, payload: list, config: OLD_CONFIG, cause: CAUSE })
    }

    /** Makes the new bookmarks of what the older list is; who follows them hears of what is different (XEP-0402 §5.3.2). */
    async function takeOver(account: Jid, list: Element, others: 'remove others' | 'keep others' = 'remove others') {
      const former = new Map(((await pep.items(account, NODE)) ?? []).map((item) => [item.id, item]))
      const wanted = conferencesIn(list)
      for (const [room, conference] of wanted) {
        const item = former.get(room)
        const before = item && pep.payload(item)
        if (before !== undefined && isSame(before, conference)) continue
        const payload = toNew(conference, before)
        await pep.publish(account, NODE, { id: room, payload, config: CONFIG, cause: CAUSE })
      }
      const gone = [...former.keys()].filter((room) => !wanted.has(room))
      if (others === 'remove others') await pep.retract(account, NODE, gone, CAUSE)
    }

    function toOld(item: Item): Element | undefined {
      const conference = pep.payload(item)
      if (conference?.name !== 'conference' || conference.ns !== NODE) return undefined
      const { name, autojoin } = conference.attrs
      return xml('conference', { jid: item.id, name, autojoin }, ...textsIn(conference))
    }

    /** By room; the last of two for the same. */
    function conferencesIn(list: Element): ReadonlyMap<string, Element> {
      const conferences = list.elements.filter(isConference)
      return new Map(
        conferences.flatMap((conference) => {
          const room = roomOf(conference)
          return room === undefined ? [] : [[room, conference] as const]
        }),
      )
    }

    function roomOf({ attrs }: Element): string | undefined {
      try {
        return host.parseJid(attrs['jid'] ?? '').bare
      } catch {
        // What is not an address is no bookmark.
        return undefined
      }
    }
  },
})

/** What the older format cannot say is kept (XEP-0402 §3.4). */
function toNew(conference: Element, before: Element | undefined): Element {
  const { name, autojoin } = conference.attrs
  const extensions = before?.elements.filter((child) => child.name !== 'nick' && child.name !== 'password') ?? []
  return xml('conference', { xmlns: NODE, name, autojoin }, ...textsIn(conference), ...extensions)
}

/** Nick and password, in no namespace yet. */
function textsIn(conference: Element): readonly Element[] {
  return ['nick', 'password'].flatMap((name) => {
    const child = conference.child(name)
    return child === undefined ? [] : xml(name, {}, child.getText())
  })
}

function isSame(one: Element, other: Element): boolean {
  const [a, b] = [one, other].map((conference) => [
    conference.attrs['name'] ?? '',
    parseBoolean(conference.attrs['autojoin'] ?? 'false') === true,
    ...textsIn(conference).map(String),
  ])
  return JSON.stringify(a) === JSON.stringify(b)
}

function isList({ name, ns }: Pick<Element, 'name' | 'ns'>): boolean {
  return name === 'storage' && ns === OLD
}

function isConference({ name, ns }: Element): boolean {
  return name === 'conference' && ns === OLD
}
