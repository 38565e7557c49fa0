/** XEP-0153, XEP-0398 §4: the hash of the avatar in every available presence. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { Pep } from '../mod_pep/index.ts'
import { avatarHash, NODE_DATA, NODE_METADATA } from './avatars.ts'

/** What is put into the presence of the clients of an account. */
interface Update {
  /** For contacts. */
  readonly broadcast: Element
  /** For anybody, rooms among them. */
  readonly directed: Element
}

export function setupPresence(host: ModuleHost<'vcard' | 'pep'>, pep: Pep): void {
  const none = updateElement(undefined)
  const updateOf = host.accountSlot('update', (): { value: Update } => ({
    value: { broadcast: none, directed: none },
  }))
  /** The presence of this client says what we have put into it, and not what its client has. */
  const ours = host.lastingSlot('ours', () => ({ value: false }))

  host.on('session/binding', async ({ account }) => {
    updateOf(account).value = await read(account.jid)
  })

  host.on(
    'outgoing/presence',
    (event) => {
      const { stanza, origin } = event
      if (stanza.type !== undefined) return
      const isBroadcast = stanza.to === undefined
      const says = stanza.has('x', NS.vcardUpdate) ? stanza.child('x', NS.vcardUpdate)?.child('photo') : undefined
      if (isBroadcast) ours(origin).value = says === undefined
      // Who knows its avatar, or has none to show, is left alone.
      if (says !== undefined) return
      const { broadcast, directed } = updateOf(origin.account).value
      event.stanza = stanza.without('x', NS.vcardUpdate).append(isBroadcast ? broadcast : directed)
    },
    'rewrite',
  )

  host.on('pep/changed', async ({ account: jid, node }) => {
    const account = node === NODE_METADATA || node === NODE_DATA ? host.account(jid.bare) : undefined
    if (account === undefined) return
    const before = updateOf(account).value.broadcast
    const next = await read(jid)
    updateOf(account).value = next
    if (next.broadcast.toString() === before.toString()) return
    for (const session of account.available) if (ours(session).value) sayAgain(session)
  })

  async function read(jid: ClientSession['jid']): Promise<Update> {
    const hash = await avatarHash(pep, jid)
    if (hash === undefined) return { broadcast: none, directed: none }
    const models = [NODE_METADATA, NODE_DATA].map(async (node) => (await pep.config(jid, node))?.access_model)
    const shown = updateElement(hash)
    // To others the hash would be of no use, but to know each other by.
    const isOpen = (await Promise.all(models)).every((model) => model === 'open')
    return { broadcast: shown, directed: isOpen ? shown : none }
  }
}

/** As if the client had broadcast its presence once more, for contacts who watch for the hash. */
function sayAgain(session: ClientSession): void {
  const { presence } = session
  if (presence !== undefined) session.receive(asSent(presence))
}

/** What has been added on its way is left out. */
function asSent(presence: Stanza): Stanza {
  return presence.without('x', NS.vcardUpdate).without('delay', NS.delay)
}

function updateElement(hash: string | undefined): Element {
  return xml('x', { xmlns: NS.vcardUpdate }, xml('photo', {}, hash))
}
