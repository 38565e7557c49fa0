/** XEP-0133 §4.24 to §4.26: a message of the day, which each account gets once. */
import { createHash } from 'node:crypto'
import { CommandError } from '../server/admin/command.ts'
import { administration } from '../server/admin/service-administration.ts'
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import { hostMessage } from '../server/protocol/host-message.ts'
import type { Account } from '../server/session/account.ts'
import { paced } from '../server/util/paced.ts'
import { keyval } from '../storage/store.ts'

interface Motd {
  /** Whoever has seen it will not see it again. */
  readonly id: string
  readonly text: string
}

const SLICE = { count: 50, pauseMilliseconds: 50 }

export default defineModule({
  name: 'motd',
  about: 'shows a message of the day to everyone once',
  xeps: { 133: '1.3.1' },
  on: ['local'],
  config: {
    message: t
      .string()
      .optional()
      .describe('The message of the day, unless admins have set another one. Each account gets it once.'),
  },
  stores: { motd: keyval<Motd>('motd'), seen: keyval<string>('motd_seen') },

  async setup(host, { config: { message }, stores }) {
    const configured = message === undefined ? undefined : { id: idOf(message), text: message }
    let current = (await stores.motd.get('')) ?? configured
    /** What an account with sessions was told last: two clients that come at once are one account. */
    const told = host.accountSlot('motd', () => ({ id: '' }))

    host.on('presence/receptive', ({ session: { account } }) => {
      if (current !== undefined) host.spawn('show the message of the day', () => show(account))
    })

    host.command({
      name: 'motd set',
      about: 'sets the message of the day, and shows it to those who are connected',
      role: 'admin',
      adhoc: administration('set-motd', { fields: { text: 'motd' } }),
      args: { text: t.lines().describe('Message of the day') },
      async run({ text }, report) {
        await set({ id: host.random.id(), text })
        host.spawn('show the message of the day', (signal) => {
          const present = [...host.accounts].filter(({ receptive }) => receptive.length > 0)
          return paced(present, show, { ...SLICE, clock: host.clock, signal }).then(() => {})
        })
        report('everyone will see it once')
      },
    })

    host.command({
      name: 'motd edit',
      about: 'corrects the message of the day for those who have not seen it yet',
      role: 'admin',
      adhoc: administration('edit-motd', {
        fields: { text: 'motd' },
        presets: () => (current === undefined ? {} : { text: current.text }),
      }),
      args: { text: t.lines().describe('Message of the day') },
      async run({ text }, report) {
        if (current === undefined) throw new CommandError('there is no message of the day')
        await set({ ...current, text })
        report('whoever has not seen it yet will see it like this')
      },
    })

    host.command({
      name: 'motd delete',
      about: 'deletes the message of the day',
      role: 'admin',
      adhoc: administration('delete-motd'),
      args: {},
      async run(_, report) {
        await set(undefined)
        report(configured === undefined ? 'nobody will see it any more' : 'that of the configuration holds again')
      },
    })

    async function set(motd: Motd | undefined): Promise<void> {
      await stores.motd.set('', motd)
      current = motd ?? configured
    }

    async function show(account: Account): Promise<void> {
      const motd = current
      if (motd === undefined || told(account).id === motd.id) return
      told(account).id = motd.id
      const node = account.jid.node ?? ''
      if ((await stores.seen.get(node)) === motd.id) return
      const { jid } = account
      await host.sendTo(jid, hostMessage({ from: host.jid, to: jid, id: host.random.id() }, motd.text), host.jid)
      await stores.seen.set(node, motd.id)
    }
  },
})

function idOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, ID_CHARS)
}

const ID_CHARS = 16
