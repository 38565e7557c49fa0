/** XEP-0133 §4.8 to §4.22: who has an account, who is there, and what there is to know of one. */
import { nodeAt } from '../server/admin/account-argument.ts'
import { CommandError } from '../server/admin/command.ts'
import { administration, administrationResult } from '../server/admin/service-administration.ts'
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import type { Jid } from '../server/jid/jid.ts'
import type { Account } from '../server/session/account.ts'
import type { ClientSession } from '../server/session/client-session.ts'
import { xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'

/** Addresses in one answer, unless more are asked for. */
const MOST_TOLD = 1000

/** Sorts of accounts that are counted and listed, and what the fields and nodes for them are called. */
const SORTS = [
  { sort: 'registered', field: 'registereduserjids', list: 'get-registered-users-list' },
  { sort: 'disabled', field: 'disableduserjids', list: 'get-disabled-users-list' },
  { sort: 'online', field: 'onlineuserjids', list: 'get-online-users-list' },
  { sort: 'active', field: 'activeuserjids', list: 'get-active-users' },
  // The same field as for active ones (XEP-0133 §4.22).
  { sort: 'idle', field: 'activeuserjids', list: 'get-idle-users' },
] as const

type Sort = (typeof SORTS)[number]['sort']

export default defineModule({
  name: 'account_reports',
  about: 'tells admins about accounts',
  xeps: { 133: '1.3.1' },
  on: ['local'],
  depends: ['accounts', 'roster'],

  setup(host) {
    const accounts = host.service('accounts')

    for (const { sort, field, list } of SORTS) {
      host.command({
        name: sort === 'registered' ? 'user list' : `user list ${sort}`,
        about: `lists the ${NAMES[sort]}`,
        role: 'admin',
        adhoc: administration(list, { omits: ['max_items'] }),
        args: { max_items: t.integer({ min: 1 }).default(MOST_TOLD).describe('How many are listed at most.') },
        async run({ max_items: most }, report) {
          const found = (await nodesOf(sort)).toSorted()
          const told = found.slice(0, most)
          for (const node of told) report(await described(node))
          if (found.length > told.length) report(`and ${found.length - told.length} more`)
          return administrationResult([{ type: 'text-multi', var: field, label: `The list of ${NAMES[sort]}` }], {
            [field]: told.map((node) => `${node}@${host.domain}`),
          })
        },
      })

      host.command({
        name: `user count ${sort}`,
        about: `counts the ${NAMES[sort]}`,
        role: 'admin',
        adhoc: administration(`get-${sort}-users-num`),
        args: {},
        async run(_, report) {
          const count = String((await nodesOf(sort)).length)
          report(count)
          const number = `${sort}usersnum`
          return administrationResult([{ type: 'text-single', var: number, label: `The number of ${NAMES[sort]}` }], {
            [number]: count,
          })
        },
      })
    }

    host.command({
      name: 'user roster',
      about: 'shows the contacts of an account',
      role: 'admin',
      adhoc: administration('get-user-roster', { fields: { jid: 'accountjids' } }),
      args: { jid: t.jid() },
      async run({ jid }, report) {
        const { items } = await host.service('roster').of(await nodeOf(jid))
        for (const [bare, { subscription, name = '' }] of items) report(`${bare} ${subscription} ${name}`.trim())
        const contacts = [...items].map(([bare, { subscription, name, groups }]) =>
          xml('item', { jid: bare, name, subscription }, ...groups.map((group) => xml('group', {}, group))),
        )
        const told = administrationResult([{ type: 'jid-multi', var: 'accountjids' }], { accountjids: [jid] })
        return xml('x', { ...told.attrs }, ...told.elements, xml('query', { xmlns: NS.roster }, ...contacts))
      },
    })

    host.command({
      name: 'user stats',
      about: 'tells how an account is used just now',
      role: 'admin',
      adhoc: administration('user-stats', { fields: { jid: 'accountjid' } }),
      args: { jid: t.jid() },
      async run({ jid }, report) {
        const { size } = await host.service('roster').of(await nodeOf(jid))
        const sessions = [...(host.account(jid.bare)?.sessions ?? [])]
        const ipaddresses = [...new Set(sessions.flatMap(({ stream }) => stream?.transport.address ?? []))]
        const onlineresources = sessions.map(({ resource }) => resource)
        report(`contacts: ${size}`)
        report(`clients: ${onlineresources.join(', ') || 'none'}`)
        report(`addresses: ${ipaddresses.join(', ') || 'none'}`)
        return administrationResult(STATS_FIELDS, {
          rostersize: String(size),
          ipaddresses: ipaddresses.join('\n'),
          onlineresources: onlineresources.join('\n'),
        })
      },
    })

    async function nodesOf(sort: Sort): Promise<readonly string[]> {
      if (sort !== 'registered' && sort !== 'disabled') {
        const there = [...host.accounts].filter(({ size }) => size > 0)
        return there.filter((account) => isOf(account, sort)).map(({ jid }) => jid.node ?? '')
      }
      const nodes: string[] = []
      for await (const node of accounts.list()) {
        if (sort === 'registered' || (await accounts.get(node))?.disabled === true) nodes.push(node)
      }
      return nodes
    }

    async function described(node: string): Promise<string> {
      const account = await accounts.get(node)
      const marks = [account?.role === 'admin' && 'admin', account?.disabled === true && 'disabled'].filter(Boolean)
      return [`${node}@${host.domain}`, ...marks].join(' ')
    }

    async function nodeOf(jid: Jid): Promise<string> {
      const node = nodeAt(host.domain, jid)
      if (!(await accounts.exists(node))) throw new CommandError(`there is no account ${jid.bare}`)
      return node
    }
  },
})

const NAMES: Readonly<Record<Sort, string>> = {
  registered: 'accounts',
  disabled: 'accounts that are disabled',
  online: 'accounts with clients that are connected',
  active: 'accounts whose people are at one of their clients',
  idle: 'accounts that are connected while their people are away',
}

const STATS_FIELDS = [
  { type: 'text-multi', var: 'ipaddresses' },
  { type: 'text-single', var: 'rostersize' },
  { type: 'text-multi', var: 'onlineresources' },
] as const

function isOf({ sessions }: Account, sort: 'online' | 'active' | 'idle'): boolean {
  if (sort === 'online') return true
  return [...sessions].some(isAtHand) === (sort === 'active')
}

const AWAY: ReadonlySet<string | undefined> = new Set(['away', 'xa'])

/** True if the client says that its person is there (RFC 6121 §4.7.2.1). */
function isAtHand({ presence }: ClientSession): boolean {
  return presence !== undefined && !AWAY.has(presence.childText('show'))
}
