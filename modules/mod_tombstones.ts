/** The names of accounts that were removed are not given to somebody else, who would be taken for their former owner. */
import { createHash } from 'node:crypto'
import { CommandError } from '../server/admin/command.ts'
import { AccountError } from '../server/auth/accounts.ts'
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import { formatDateTime } from '../server/protocol/date-time.ts'
import { handled, type Handled, type StanzaEvent } from '../server/routed-stanza.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { errorReply, presence } from '../server/xml/build.ts'
import { keyval } from '../storage/store.ts'

interface Tombstone {
  readonly node: string
  /** When the account was removed, in milliseconds since 1970. */
  readonly at: number
}

export default defineModule({
  name: 'tombstones',
  about: 'gives the names of removed accounts to nobody else',
  rfcs: [6121],
  on: ['local'],
  depends: ['accounts'],
  config: {
    keep: t.duration().default(Infinity).describe('How long a name cannot be had again after its account was removed.'),
  },
  stores: { tombstones: keyval<Tombstone>('tombstones') },

  setup(host, { config, stores: { tombstones } }) {
    const accounts = host.service('accounts')
    if (!accounts.writable) return

    // Before anything is deleted: a name must not be free if we crash in between.
    host.on('account/removing', ({ node }) => tombstones.set(placeOf(node), { node, at: host.clock.now() }))

    host.on(
      'account/creating',
      async ({ node }) => {
        const tombstone = await tombstones.get(placeOf(node))
        if (tombstone === undefined || hasExpired(tombstone)) return
        throw new AccountError('refused', 'That name belonged to an account that was removed')
      },
      'guard',
    )

    host.on('account/created', ({ node }) =>
      host.spawn('remove a tombstone', () => tombstones.set(placeOf(node), undefined)),
    )

    // All that is no probe passes at once: what waits here is overtaken by other stanzas of its sender.
    host.on('incoming/presence', (event) => (event.stanza.type === 'probe' ? answer(event) : undefined), 'guard')

    /** Contacts that were away when it was removed learn that it will not come back. */
    async function answer({ stanza, to, from, origin }: StanzaEvent): Promise<Handled | undefined> {
      if (to.node === undefined || host.account(to.bare) !== undefined) return undefined
      if ((await tombstones.get(placeOf(to.node))) === undefined || (await accounts.exists(to.node))) return undefined
      const gone = errorReply(stanza, new StanzaError('gone', 'That account was removed').toElement())
      const answers = [gone, presence({ type: 'unsubscribed', from: to.bare, to: from.full })]
      // A client of ours hears of it as it is, though it may have no such contact.
      for (const one of answers) await (origin.kind === 'client' ? origin.send(one) : host.send(one))
      return handled
    }

    host.command({
      name: 'tombstone list',
      about: 'lists the names of removed accounts that nobody can have',
      role: 'admin',
      args: {},
      async run(_, report) {
        for await (const place of tombstones.owners()) {
          const tombstone = await tombstones.get(place)
          if (tombstone === undefined || hasExpired(tombstone)) continue
          report(`${tombstone.node}@${host.domain} ${formatDateTime(new Date(tombstone.at))}`)
        }
      },
    })

    host.command({
      name: 'tombstone remove',
      about: 'lets the name of a removed account be had again',
      role: 'admin',
      args: { jid: t.jid() },
      async run({ jid: { node = '', bare, domain } }, report) {
        const tombstone = domain === host.domain ? await tombstones.get(placeOf(node)) : undefined
        if (tombstone === undefined) throw new CommandError(`${bare} has no tombstone`)
        await tombstones.set(placeOf(node), undefined)
        report(`${bare} can be had again`)
      },
    })

    function hasExpired({ at }: Tombstone): boolean {
      return host.clock.now() >= at + config.keep * 1000
    }
  },
})

/** As the data of no account, which would go with it: no name has a slash. A name may be as long as an owner. */
function placeOf(node: string): string {
  return `/${createHash('sha256').update(node).digest('base64url')}`
}
