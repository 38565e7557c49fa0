/** What bookmarks say of notifications, asked by a room of another host of the same server. */
import t from 'tap'
import type { AwayMessage } from '../../modules/mod_muc_members/notices.ts'
import { Jid } from '../../server/jid/jid.ts'
import { message } from '../../server/xml/build.ts'
import { parseElement } from '../../server/xml/parse.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import { AccountWorld } from '../support/account-world.ts'
import { startOwnServer } from '../support/own-server.ts'
import type { Pep } from '../../modules/mod_pep/index.ts'

const ROOM = 'room@conference.localhost'

t.test('the setting for phones counts, then that for clients, then the usual one', async (t) => {
  await using own = await startOwnServer({ config: 'hosts: { localhost: {} }' })
  await own.accounts('localhost').create('juliet', 'secret')
  const served = own.server.hosts.get('localhost')
  const pep = served?.loader.service('pep') as Pep
  const account = Jid.parse('juliet@localhost')
  const wishOf = async (): Promise<string> => {
    const away: AwayMessage = {
      account,
      room: Jid.parse(ROOM),
      stanza: message({}),
      isMention: false,
      wish: 'on-mention',
    }
    await served?.host.hooks.fire('push/room-message', away)
    return away.wish
  }
  const bookmark = async (settings: string): Promise<void> => {
    const payload = parseElement(
      `<conference xmlns='urn:xmpp:bookmarks:1'><extensions><notify xmlns='urn:xmpp:notification-settings:1'>${settings}</notify></extensions></conference>`,
    )
    await pep.publish(account, 'urn:xmpp:bookmarks:1', { id: ROOM, payload, cause: 'spec' })
  }
  t.equal(await wishOf(), 'on-mention', 'without a bookmark, what the room says')
  await bookmark('<always/>')
  t.equal(await wishOf(), 'always')
  await bookmark("<always/><never identity-category='client'/>")
  t.equal(await wishOf(), 'never')
  await bookmark(
    "<never identity-category='client' identity-type='pc'/><on-mention identity-category='client' identity-type='phone'/><always/>",
  )
  t.equal(await wishOf(), 'on-mention')
  await bookmark('<sometimes/>')
  t.equal(await wishOf(), 'on-mention')
})

t.test('clients that sleep hear at once of what they always want to hear, and never of what they do not', async (t) => {
  await using world = await AccountWorld.open()
  const juliet = await world.client('juliet@localhost/phone')
  const { session } = juliet
  const isUrgent = (content = '<body>Hello</body>'): boolean | undefined => {
    const stanza = Stanza.parse(`<message from='${ROOM}/Romeo' type='groupchat'>${content}</message>`)
    return world.host.hooks.fire('csi/urgent', { stanza, session })
  }
  const bookmark = (settings: string): Promise<Stanza> =>
    juliet.ask(
      'set',
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:bookmarks:1'><item id='${ROOM}'><conference xmlns='urn:xmpp:bookmarks:1'><extensions><notify xmlns='urn:xmpp:notification-settings:1'>${settings}</notify></extensions></conference></item></publish></pubsub>`,
    )
  t.equal(isUrgent(), undefined, 'others decide')
  await bookmark('<always/>')
  t.equal(isUrgent(), undefined, 'what is not known yet does not hold up anything')
  await world.advance(0)
  t.equal(isUrgent(), true)
  t.equal(isUrgent("<active xmlns='http://jabber.org/protocol/chatstates'/>"), undefined)
  await bookmark('<never/>')
  isUrgent()
  await world.advance(0)
  t.equal(isUrgent(), false)
})
