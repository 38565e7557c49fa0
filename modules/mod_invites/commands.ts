/** XEP-0401 §5: making invitations; and for admins, looking at them and taking them back. */
import { LRUCache } from 'lru-cache'
import { type AdHocProfile, CommandError } from '../../server/admin/command.ts'
import { t } from '../../server/config/types.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import { type Jid, JidError } from '../../server/jid/jid.ts'
import { defineForm, renderResult } from '../../server/protocol/data-form.ts'
import { formatDateTime } from '../../server/protocol/date-time.ts'
import { TokenBucket } from '../../server/util/token-bucket.ts'
import type { Element } from '../../server/xml/element.ts'
import type { Invite, Invites, StoredInvite } from './invites.ts'

export interface InviteOptions {
  /** In seconds. */
  readonly expire_after: number
  readonly users_may_invite: boolean
  readonly max_open: number
}

const resultForm = defineForm({
  type: 'urn:xmpp:invite#invitation',
  fields: [
    { type: 'text-single', var: 'uri' },
    { type: 'text-single', var: 'expire' },
  ],
})

const WEEK_SECONDS = 604_800
const MOST_OPEN = 10_000
const MOST_REMEMBERED = 10_000

export function setupCommands(host: ModuleHost<'accounts' | 'roster'>, invites: Invites, options: InviteOptions): void {
  const accounts = host.service('accounts')
  const buckets = new LRUCache<string, TokenBucket>({ max: MOST_REMEMBERED })

  host.command({
    name: 'invite contact',
    about: 'makes a link for somebody who is to be your contact',
    role: 'user',
    adhoc: profile('invite'),
    args: { from: t.jid().optional().describe('Who invites.') },
    async run({ from }, report, by) {
      const inviter = await inviterOf(from ?? by)
      if (inviter === undefined) throw new CommandError('say who invites: --from with an account')
      const registers = accounts.writable && (options.users_may_invite || (await isAdmin(inviter)))
      return make({ to: 'befriend', inviter: inviter.node, registers, befriends: true }, report, by)
    },
  })

  if (accounts.writable) {
    host.command({
      name: 'invite account',
      about: 'makes a link for somebody who is to have an account',
      role: options.users_may_invite ? 'user' : 'admin',
      adhoc: profile('create-account', { roster_subscription: 'roster-subscription' }),
      args: {
        username: t.string().optional().describe('Name of the account, if it is not to be chosen.'),
        roster_subscription: t.boolean().default(true).describe('Become contacts'),
        from: t.jid().optional().describe('Who invites.'),
      },
      async run({ username, roster_subscription: befriends, from }, report, by) {
        const inviter = await inviterOf(from ?? by)
        const node = username === undefined ? undefined : await freeNode(username)
        return make({ to: 'join', inviter: inviter?.node, node, registers: true, befriends }, report, by)
      },
    })
  }

  host.command({
    name: 'invite list',
    about: 'lists the invitations that can be used',
    role: 'admin',
    args: {},
    run(_, report) {
      for (const invite of invites.all) {
        const { inviter, expiresAt } = invite
        const from = inviter === undefined ? '' : ` from ${inviter}`
        const until = expiresAt === undefined ? '' : ` until ${formatDateTime(new Date(expiresAt))}`
        report(`${uriOf(host.domain, invite)}${from}${until}`)
      }
    },
  })

  host.command({
    name: 'invite revoke',
    about: 'takes an invitation back',
    role: 'admin',
    args: { token: t.string().describe('The part of the link behind preauth=') },
    async run({ token }, report) {
      const invite = invites.find(token)
      if (invite === undefined) throw new CommandError('there is no such invitation')
      await invites.remove(invite)
      report('the link is of no use any more')
    },
  })

  async function make(
    invite: Omit<StoredInvite, 'expiresAt'>,
    report: (line: string) => void,
    by: Jid | undefined,
  ): Promise<Element> {
    if (invites.size >= MOST_OPEN) throw new CommandError('there are too many invitations already')
    if (by !== undefined && !(await isAdmin(by))) limit(by)
    const { expire_after: seconds } = options
    const expiresAt = seconds === Infinity ? undefined : host.clock.now() + seconds * 1000
    const made = await invites.add({ ...invite, expiresAt })
    const uri = uriOf(host.domain, made)
    report(uri)
    const expire = expiresAt === undefined ? undefined : formatDateTime(new Date(expiresAt))
    return renderResult(resultForm, expire === undefined ? { uri } : { uri, expire })
  }

  /** Whoever has made accounts of many invitations must not go on with that. */
  function limit({ node = '' }: Jid): void {
    const { max_open: most } = options
    const now = host.clock.now()
    const bucket = buckets.get(node) ?? new TokenBucket({ perSecond: most / WEEK_SECONDS, burst: most }, now)
    buckets.set(node, bucket)
    if (invites.by(node).length < most && bucket.tryTake(1, now)) return
    throw new CommandError(
      `that would be more than ${most} invitations; wait until some have been used or have expired`,
    )
  }

  async function inviterOf(jid: Jid | undefined): Promise<Jid | undefined> {
    // An admin of another host is nobody's contact here.
    if (jid?.node === undefined || jid.domain !== host.domain) return undefined
    if (await accounts.exists(jid.node)) return jid
    throw new CommandError(`there is no account ${jid.bare}`)
  }

  async function freeNode(username: string): Promise<string> {
    const node = nodeOf(username)
    if (await accounts.exists(node)) throw new CommandError(`${node}@${host.domain} exists already`)
    if (invites.reserving(node) !== undefined) throw new CommandError(`${node} is reserved by another invitation`)
    return node
  }

  function nodeOf(username: string): string {
    try {
      const { node } = host.jid.withNode(username)
      if (node !== undefined) return node
    } catch (error) {
      if (!(error instanceof JidError)) throw error
    }
    throw new CommandError('that name cannot be used')
  }

  async function isAdmin(jid: Jid): Promise<boolean> {
    return host.admins.some(({ bare }) => bare === jid.bare) || (await host.roleOf(jid)) === 'admin'
  }
}

function profile(command: string, fields: Readonly<Record<string, string>> = {}): AdHocProfile {
  return { node: `urn:xmpp:invite#${command}`, fields, omits: ['from'] }
}

/** XEP-0401 §5.1, §5.4; the node is written as RFC 5122 §2.2 asks for. */
export function uriOf(domain: string, { to, inviter, node, token, registers }: Invite): string {
  const who = to === 'befriend' ? inviter : node
  const address = who === undefined ? domain : `${encodeURIComponent(who)}@${domain}`
  if (to === 'join') return `xmpp:${address}?register;preauth=${token}`
  return `xmpp:${address}?roster;preauth=${token}${registers ? ';ibr=y' : ''}`
}
