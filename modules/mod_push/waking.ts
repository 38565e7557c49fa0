/** Which services are told of what: those of clients that are not there, or not awake. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { AwayMessage, HeardMessage } from '../mod_muc_members/notices.ts'
import type { Wish } from '../mod_muc_members/wishes.ts'
import { isFleeting, type News, newsIn, originalOf } from './news.ts'
import type { AllOutlets, Outlets } from './outlets.ts'
import type { Outlet } from './outlet.ts'

export interface WakingRules {
  /** Clients are left alone while another one of the account is being used. */
  readonly isQuietWhileActive: boolean
}

const TASK = 'wake up clients'

export function setupWaking(host: ModuleHost<never>, outlets: AllOutlets, { isQuietWhileActive }: WakingRules): void {
  host.on('incoming/message', arrived, 'copy')
  host.on('session/waiting', ({ session, stanza }) => waits(session, stanza))
  // Its client may be back with another session, or gone for good.
  host.on('session/undelivered', ({ session, stanza }) => waits(session, stanza), 'copy')
  host.on('push/room-message', ({ account, stanza, isMention, wish }) => {
    if (wish === 'always' || (wish === 'on-mention' && isMention)) return tellOfRoom(account, stanza)
    return undefined
  })

  for (const hook of ['session/bound', 'session/resumed', 'csi/active'] as const) {
    host.on(hook, ({ session: { jid, resource } }: { readonly session: ClientSession }) => {
      for (const outlet of outlets.known(jid.node ?? '') ?? []) {
        if (outlet.registration.resource === resource) outlet.seen()
      }
    })
  }

  /** A message is about to reach the clients that are there: what is with those that are not? */
  function arrived({ stanza, from, to }: StanzaEvent): void {
    if (to.node === undefined || from.bare === to.bare || !isAnybodyMissing(to)) return
    const news = newsIn(stanza, to.bare)
    if (news === undefined || isFleeting(stanza, news)) return
    const account = to.toBare()
    const kept = stanza.keep()
    host.spawn(TASK, () =>
      stanza.type === 'groupchat'
        ? hear(account, kept, 'on-mention')
        : tell(account, kept, news, ({ resource }) => sessionOf(account, resource) === undefined),
    )
  }

  /** A client does not take in what it is sent. */
  function waits({ account, resource }: ClientSession, stanza: Stanza): void {
    if (outlets.known(account.jid.node ?? '')?.size === 0) return
    const { jid } = account
    const original = originalOf(stanza, jid.bare)
    const news = original && newsIn(original, jid.bare)
    if (original === undefined || news === undefined || isBy(jid, original)) return
    const kept = original.keep()
    host.spawn(TASK, () =>
      original.type === 'groupchat'
        ? // Somebody who is in a room and does not say otherwise wants to hear of it.
          hear(jid, kept, 'always')
        : tell(jid, kept, news, (registration) => registration.resource === resource && isMissing(jid, resource)),
    )
  }

  /** Somebody has said something in a room in which the account is: the room knows best whether that is for them. */
  async function hear(account: Jid, stanza: Stanza, wish: Wish): Promise<void> {
    const room = host.parseJid(stanza.from ?? '').toBare()
    const isMention = (stanza.childText('body') ?? '').toLowerCase().includes(account.node ?? '')
    const heard: HeardMessage = { account, room, stanza, isMention, isOwn: false, wish }
    await host.fireAt(room.domain, 'push/heard-in-room', heard)
    if (heard.isOwn) return
    const message: AwayMessage = { account, room, stanza, isMention: heard.isMention, wish: heard.wish }
    await host.fire('push/room-message', message)
  }

  async function tellOfRoom(account: Jid, stanza: Stanza): Promise<undefined> {
    const news = newsIn(stanza, account.bare)
    if (news === undefined) return
    // No guard has seen it if it did not come to a client.
    const sender = host.parseJid(news.sender)
    if ((await host.optionalService('blocklist')?.hasBlocked(account, sender)) === true) return
    await tellSome(account, news, ({ resource }) => isMissing(account, resource))
  }

  /** A message for the account itself. */
  async function tell(account: Jid, stanza: Stanza, news: News, isMeant: IsMeant): Promise<void> {
    const chat = host.parseJid(stanza.from ?? host.domain).toBare()
    // A call is no message: whoever wants none of them says so elsewhere.
    const wish = news.kind === 'call' ? 'always' : await host.optionalService('muc_wishes')?.of(account, chat)
    if (wish !== 'never') await tellSome(account, news, isMeant)
  }

  async function tellSome(account: Jid, news: News, isMeant: IsMeant): Promise<void> {
    const own = await outlets.of(account.node ?? '')
    for (const outlet of own) {
      if (isMeant(outlet.registration) && !isElsewhere(account, outlet, news)) own.tell(outlet, news)
    }
  }

  function isElsewhere(account: Jid, { registration: { resource } }: Outlet, { kind }: News): boolean {
    if (!isQuietWhileActive || kind === 'call') return false
    return (host.account(account.bare)?.available ?? []).some((other) => other.resource !== resource && isAwake(other))
  }

  /** False if it is known at once that all clients with services are there. */
  function isAnybodyMissing({ node = '', bare }: Jid): boolean {
    const own: Outlets | undefined = outlets.known(node)
    if (own === undefined) return true
    const sessions = host.account(bare)
    for (const { registration } of own) if (!isAwake(sessions?.session(registration.resource))) return true
    return false
  }

  /** True for a client that has a connection that seems to work, and does not ask for silence. */
  function isAwake(session: ClientSession | undefined): boolean {
    if (session?.stream === undefined || session.outbox.hold !== undefined) return false
    return host.optionalService('smacks')?.isSilent(session) !== true
  }

  function isMissing(account: Jid, resource: string): boolean {
    return !isAwake(sessionOf(account, resource))
  }

  function sessionOf(account: Jid, resource: string): ClientSession | undefined {
    return host.account(account.bare)?.session(resource)
  }
}

type IsMeant = (registration: { readonly resource: string }) => boolean

function isBy({ bare }: Jid, { from = bare }: Stanza): boolean {
  return from === bare || from.startsWith(`${bare}/`)
}
