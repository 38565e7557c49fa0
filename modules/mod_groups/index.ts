/** Shared groups: accounts that belong together have each other as contacts, whatever they do about it. */
import { nodeAt } from '../../server/admin/account-argument.ts'
import { CommandError } from '../../server/admin/command.ts'
import { t } from '../../server/config/types.ts'
import { defineModule } from '../../server/host/module.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { map } from '../../storage/store.ts'
import { Groups } from './groups.ts'

/** Bytes of a name: what a roster takes as the name of a group. */
const LONGEST_NAME = 1023

export default defineModule({
  name: 'groups',
  about: 'makes people who belong together contacts of each other',
  on: ['local'],
  depends: ['accounts', 'roster'],
  config: {
    groups: t
      .map(t.list(t.jid()))
      .default(new Map())
      .describe('Groups by name, each with its members: `{ Players: [romeo@verona.example] }`. Commands make others.'),
    max_members: t.integer({ min: 1 }).default(500).describe('Members that a group may have.'),
  },
  /** Of groups made by commands, the nodes of their members by the name of the group. */
  stores: { groups: map<readonly string[]>('groups') },

  async setup(host, { config, stores }) {
    const accounts = host.service('accounts')
    const rosters = host.service('roster')
    const groups = new Groups(host.jid)
    if (accounts.anonymous) return

    for (const [name, members] of await stores.groups.all('')) groups.set(name, members)
    for (const [name, members] of config.groups) groups.set(name, members.flatMap(configuredNode))
    for (const node of everybody()) if (await accounts.exists(node)) groups.appear(node)

    // What ends with the module ends in reverse order: when this runs, nobody shares anything any more.
    host.defer(() => regroup(everybody()))
    host.on('roster/sharing', (event) => {
      const contacts = groups.contactsOf(event.node)
      if (contacts.size > 0) event.contacts = contacts
    })
    regroup(everybody())

    const appear = (node: string): void => {
      if (groups.appear(node)) regroup(groups.circleOf(node))
    }
    host.on('account/created', ({ node }) => appear(node))
    // Accounts may be made where we do not see it.
    host.on('session/binding', ({ account: { jid } }) => appear(jid.node ?? ''), 'guard')
    // Before its contacts are told that it goes: members of its groups are told by that.
    host.on(
      'account/removing',
      ({ node }) => {
        const circle = groups.circleOf(node)
        groups.disappear(node)
        regroup(circle)
      },
      'guard',
    )
    host.on('account/removed', ({ node }) => {
      for (const name of groups.groupsOf(node).filter((each) => !config.groups.has(each))) {
        host.spawn('take an account out of a group', () => change(name, without(groups.membersOf(name), [node])))
      }
    })

    host.command({
      name: 'group add',
      about: 'puts accounts into a shared group, which is made if need be',
      role: 'admin',
      args: { name: t.string(), jids: t.list(t.jid()) },
      async run({ name, jids }, report) {
        const members = new Set([...groups.membersOf(checked(name)), ...jids.map(memberOf)])
        if (members.size > config.max_members) throw new CommandError(`more than ${config.max_members} members`)
        for (const { node = '', bare } of jids) {
          if (!(await accounts.exists(node))) throw new CommandError(`there is no account ${bare}`)
        }
        await change(name, members)
        report(`${name} has ${members.size} members`)
      },
    })

    host.command({
      name: 'group remove',
      about: 'takes accounts out of a shared group, which is gone when it is empty',
      role: 'admin',
      args: { name: t.string(), jids: t.list(t.jid()) },
      async run({ name, jids }, report) {
        const members = without(groups.membersOf(checked(name)), jids.map(memberOf))
        await change(name, members)
        report(`${name} has ${members.size} members`)
      },
    })

    host.command({
      name: 'group list',
      about: 'lists the shared groups and their members',
      role: 'admin',
      args: {},
      run(_, report) {
        for (const name of [...groups.names].toSorted()) {
          report(`${name}: ${[...groups.membersOf(name)].toSorted().join(', ')}`)
        }
      },
    })

    /** Durable first; then the clients of old and new members are told. */
    async function change(name: string, members: ReadonlySet<string>): Promise<void> {
      const concerned = [...groups.membersOf(name), ...members]
      await stores.groups.set('', name, members.size === 0 ? undefined : [...members])
      groups.set(name, members)
      for (const node of members) if (await accounts.exists(node)) groups.appear(node)
      regroup(new Set(concerned))
    }

    function regroup(nodes: Iterable<string>): void {
      for (const node of nodes) rosters.regroup(node)
    }

    function everybody(): ReadonlySet<string> {
      return new Set([...groups.names].flatMap((name) => [...groups.membersOf(name)]))
    }

    function checked(name: string): string {
      if (config.groups.has(name)) throw new CommandError(`${name} is in the configuration: change it there`)
      if (name === '' || Buffer.byteLength(name) > LONGEST_NAME) throw new CommandError('that name cannot be used')
      return name
    }

    function memberOf(jid: Jid): string {
      return nodeAt(host.domain, jid)
    }

    function configuredNode({ node, domain, bare }: Jid): readonly string[] {
      if (node !== undefined && domain === host.domain) return [node]
      host.log.warn('not an account of this host, so in none of its groups', { jid: bare })
      return []
    }
  },
})

function without(members: ReadonlySet<string>, leaving: readonly string[]): ReadonlySet<string> {
  return new Set([...members].filter((node) => !leaving.includes(node)))
}
