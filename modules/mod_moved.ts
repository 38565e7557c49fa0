/** XEP-0283: Moved. Contacts who have another address are followed there, and nobody has to be asked. */
import { defineModule } from '../server/host/module.ts'
import type { Jid } from '../server/jid/jid.ts'
import { handled, type Handled, type StanzaEvent } from '../server/routed-stanza.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { type Element, xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'
import type { Stanza } from '../server/xml/stanza.ts'

const NS_MOVED = 'urn:xmpp:moved:1'

/** Statements that are asked for at the same time: of more, people are asked themselves. */
const MOST_ASKED = 100

export default defineModule({
  name: 'moved',
  about: 'follows contacts to their new addresses',
  xeps: { 283: '0.2.0' },
  on: ['local'],
  depends: ['roster', 'accounts'],

  setup(host) {
    const rosters = host.service('roster')
    /** Requests whose statement is being fetched: account and contact. */
    const asked = new Set<string>()
    /** Those that turned out to be like any other. */
    const ordinary = new WeakSet<Stanza>()

    host.on(
      'incoming/presence',
      (event) => {
        const { stanza, to } = event
        if (stanza.type !== 'subscribe' || to.node === undefined || !stanza.has('moved', NS_MOVED)) return undefined
        return ordinary.has(stanza) ? undefined : examine(event)
      },
      'rewrite',
    )

    // Who acts for somebody does not move them (XEP-0283 §6.1).
    host.on(
      'outgoing/iq',
      ({ stanza, origin }) => {
        if (stanza.type !== 'set' || host.optionalService('saslauth')?.isUnrestricted(origin) !== false) return
        const published = stanza.child('pubsub', NS.pubsub)?.child('publish')?.attrs['node']
        if (published === NS_MOVED) throw new StanzaError('forbidden')
      },
      'guard',
    )

    /** The sender does not wait: what its former server says may take long. */
    async function examine({ stanza, from, to }: StanzaEvent): Promise<Handled | undefined> {
      const [account, contact] = [to.toBare(), from.toBare()]
      const former = formerOf(stanza)
      if (former === undefined || !(await mayMove(account, former, contact))) return undefined
      const key = `${account.bare} ${contact.bare}`
      if (asked.has(key)) return handled
      if (asked.size >= MOST_ASKED) return undefined
      asked.add(key)
      const kept = stanza.keep()
      host.spawn('follow a contact', async () => {
        try {
          if (await hasMoved(account, former, contact)) {
            await rosters.follow(account, former, contact)
            host.log.info('contact followed', { jid: account.full, peer: contact.full })
            return
          }
          // As it came, since a client may want to find out for itself (XEP-0283 §4.4).
          ordinary.add(kept)
          await host.sendTo(to, kept, from)
        } finally {
          asked.delete(key)
        }
      })
      return handled
    }

    /** Only for somebody who sees the account, and once (XEP-0283 §4.3, §6.2). */
    async function mayMove({ node = '' }: Jid, former: Jid, contact: Jid): Promise<boolean> {
      if (former.bare === contact.bare || !(await host.service('accounts').exists(node))) return false
      const roster = await rosters.of(node)
      return roster.stateOf(former).from && !roster.stateOf(contact).from
    }

    /** Whether the former address itself says that it has moved there. */
    async function hasMoved(account: Jid, former: Jid, contact: Jid): Promise<boolean> {
      const items = xml('items', { node: NS_MOVED }, xml('item', { id: 'current' }))
      const payload = xml('pubsub', { xmlns: NS.pubsub }, items)
      try {
        const answer = await host.request({ from: account, to: former, type: 'get', payload })
        return statementIn(answer)?.bare === contact.bare
      } catch (error) {
        if (!(error instanceof StanzaError)) throw error
        // A server may know where it has gone without the account (XEP-0283 §4.3).
        return error.condition === 'gone' && addressIn(error.uri)?.bare === contact.bare
      }
    }

    function formerOf(stanza: Stanza): Jid | undefined {
      return accountNamed(stanza.child('moved', NS_MOVED)?.child('old-jid')?.getText())
    }

    function statementIn(answer: Element | undefined): Jid | undefined {
      const item = answer?.child('items')?.child('item')
      return accountNamed(item?.child('moved', NS_MOVED)?.child('new-jid')?.getText())
    }

    function addressIn(uri = ''): Jid | undefined {
      const [, address] = /^xmpp:([^/?#]+)$/i.exec(uri) ?? []
      return address !== undefined && URI_PART.test(address) ? accountNamed(decodeURIComponent(address)) : undefined
    }

    function accountNamed(text = ''): Jid | undefined {
      const jid = host.tryParseJid(text.trim())
      return jid?.node !== undefined && jid.resource === undefined ? jid : undefined
    }
  },
})

/** Whose escapes can be decoded (RFC 3986 §2.1). */
const URI_PART = /^(?:[^%]|%[0-7][0-9a-f])*$/i
