/** Invitations: to become somebody's contact (XEP-0379), and to make an account of the host (XEP-0401, XEP-0445). */
import { AccountError } from '../../server/auth/accounts.ts'
import { t } from '../../server/config/types.ts'
import { defineModule } from '../../server/host/module.ts'
import { handled, type Handled, type StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { xml } from '../../server/xml/element.ts'
import { map } from '../../storage/store.ts'
import type { Registering } from '../mod_register/index.ts'
import { setupCommands } from './commands.ts'
import { type Invite, Invites, type StoredInvite } from './invites.ts'

export type { Invite, Invites } from './invites.ts'

declare module '../../server/host/module.ts' {
  interface Services {
    invites: Invites
  }
}

/** Of the token in a request, wherever it is said (XEP-0379 §3.4, XEP-0445 §4). */
const NS_PREAUTH = 'urn:xmpp:pars:0'
const NS_FEATURE = 'urn:xmpp:ibr-token:0'

const WEEK_SECONDS = 604_800

export default defineModule({
  name: 'invites',
  about: 'lets people invite others, to be contacts or to make an account',
  xeps: { 379: '0.3.3', 401: '0.6.0', 445: '0.2.0' },
  on: ['local'],
  depends: ['accounts', 'roster'],
  config: {
    expire_after: t.duration().default(WEEK_SECONDS).describe('How long an invitation can be used.'),
    users_may_invite: t
      .boolean()
      .default(false)
      .describe(
        'Whether those whom people invite may make an account here; those whom admins invite always may. ' +
          'Anybody may invite others to be contacts.',
      ),
    max_open: t
      .integer({ min: 1 })
      .default(20)
      .describe(
        'Invitations of one account, no admin, that can be used at the same time; so many can be made in a week.',
      ),
  },
  stores: { invites: map<StoredInvite>('invites') },

  async setup(host, { config, stores }) {
    const accounts = host.service('accounts')
    const rosters = host.service('roster')
    const invites = await Invites.load(stores.invites, host.clock, host.random)
    if (accounts.anonymous) return invites
    /** What was shown on a stream; it stays good there though it may expire (XEP-0445 §4). */
    const shown = new WeakMap<Stream, Invite>()

    host.every('hour', 'remove expired invitations', () => invites.removeExpired())
    setupCommands(host, invites, config)

    host.on('account/removed', ({ node }) => {
      const orphans = invites.by(node)
      host.spawn('remove invitations', async () => {
        for (const invite of orphans) await invites.remove(invite)
      })
    })

    // XEP-0379 §3.5, on behalf of the clients; a token that is no good is one for them to know (§4.1).
    host.on(
      'incoming/presence',
      (event) => {
        const { stanza, to } = event
        if (stanza.type !== 'subscribe' || to.node === undefined || !stanza.has('preauth', NS_PREAUTH)) return undefined
        const invite = invites.find(stanza.child('preauth', NS_PREAUTH)?.attrs['token'] ?? '')
        if (invite === undefined || invite.to !== 'befriend' || invite.inviter !== to.node) return undefined
        return befriend(invite, event)
      },
      'rewrite',
    )

    if (!accounts.writable) return invites

    host.streamFeature({
      needs: [],
      forbids: ['authenticated'],
      offer: ({ needsTls }) => (needsTls ? undefined : xml('register', { xmlns: NS_FEATURE })),
    })

    host.streamIq({ type: 'set', ns: NS_PREAUTH, name: 'preauth' }, async (stream, { attrs }) => {
      if (stream.needsTls || stream.facts.has('authenticated')) throw new StanzaError('not-allowed')
      const invite = invites.find(attrs['token'] ?? '')
      if (invite === undefined || !invite.registers || !(await mayInvite(invite))) {
        throw new StanzaError('item-not-found', 'The invitation is unknown, used or expired')
      }
      shown.set(stream, invite)
    })

    host.on('register/invitation', ({ stream }) => {
      const invite = shown.get(stream)
      return invite && { node: invite.node }
    })

    host.on('register/creating', (registering) => {
      const invite = shown.get(registering.stream)
      const reserving = invites.reserving(registering.node)
      // Names of invitations are kept for those who were invited (XEP-0445 §5).
      if (reserving !== undefined && reserving !== invite) throw new StanzaError('conflict', 'That name is reserved')
      if (invite !== undefined) use(invite, registering)
    })

    host.on('account/creating', ({ node }) => {
      const invite = invites.reserving(node)
      if (invite === undefined || invites.isClaimed(invite)) return
      throw new AccountError('refused', `${node}@${host.domain} is reserved for somebody who was invited`)
    })

    return invites

    /** Until it is known whether there is an account now, nobody else can use it. */
    function use(invite: Invite, { node, afterwards }: Registering): void {
      if (invite.node !== undefined && invite.node !== node) {
        throw new StanzaError('not-acceptable', `The invitation is for the name ${invite.node}`)
      }
      if (!invites.claim(invite)) throw new StanzaError('not-allowed', 'The invitation was used meanwhile')
      afterwards(async (outcome) => {
        if (outcome === 'refused') return invites.release(invite)
        await invites.remove(invite)
        host.log.info('account made by invitation', { jid: `${node}@${host.domain}`, peer: invite.inviter })
        welcome(invite, node)
      })
    }

    /** XEP-0401 §5.5: each is the other's contact, and the inviter is told at once. */
    function welcome({ inviter, befriends }: Invite, node: string): void {
      if (!befriends || inviter === undefined) return
      host.spawn('make inviter and invited contacts', () =>
        rosters.befriend(host.jid.withNode(node), host.jid.withNode(inviter)),
      )
    }

    async function befriend(invite: Invite, { from, to }: StanzaEvent): Promise<Handled | undefined> {
      if (from.bare === to.bare || !(await mayInvite(invite)) || !invites.claim(invite)) return undefined
      try {
        await rosters.accept(to.toBare(), from.toBare())
      } catch (error) {
        invites.release(invite)
        throw error
      }
      await invites.remove(invite)
      return handled
    }

    /** An account that was disabled invites nobody any more. */
    async function mayInvite({ inviter }: Invite): Promise<boolean> {
      if (inviter === undefined) return true
      const account = await accounts.get(inviter)
      return account !== undefined && account.disabled !== true
    }
  },
})
