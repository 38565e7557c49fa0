/** XEP-0133 §4.23: announcements, to those who are there or to everybody. */
import { administration } from '../server/admin/service-administration.ts'
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import type { Jid } from '../server/jid/jid.ts'
import { hostMessage } from '../server/protocol/host-message.ts'
import { paced } from '../server/util/paced.ts'

/** Messages that leave without a pause: 1000 in a second, also on a small machine. */
const SLICE = { count: 50, pauseMilliseconds: 50 }

export default defineModule({
  name: 'announce',
  about: 'lets admins write to everybody',
  xeps: { 133: '1.3.1' },
  on: ['local'],
  depends: ['accounts'],

  setup(host) {
    const accounts = host.service('accounts')

    for (const { to, node, about } of AUDIENCES) {
      host.command({
        name: `announce ${to}`,
        about,
        role: 'admin',
        adhoc: administration(node, { fields: { text: 'announcement' } }),
        args: { text: t.lines().describe('Announcement'), subject: t.string().default('').describe('Subject') },
        async run({ text, subject }, report, by) {
          const send = (signal?: AbortSignal) =>
            paced(to === 'online' ? present() : everybody(), (jid) => tell(jid, text, subject), {
              ...SLICE,
              clock: host.clock,
              ...(signal && { signal }),
            })
          if (by === undefined) return report(`sent to ${await send()} accounts`)
          // Clients do not wait as long as that may take.
          host.spawn('announce', async (signal) => {
            host.log.info('announcement sent', { jid: by.bare, count: await send(signal) })
          })
          report('it is being sent')
        },
      })
    }

    function* present(): Iterable<Jid> {
      for (const account of host.accounts) if (account.receptive.length > 0) yield account.jid
    }

    async function* everybody(): AsyncIterable<Jid> {
      for await (const node of accounts.list()) {
        if ((await accounts.get(node))?.disabled !== true) yield host.jid.withNode(node)
      }
    }

    function tell(to: Jid, text: string, subject: string) {
      return host.sendTo(to, hostMessage({ from: host.jid, to, id: host.random.id() }, text, subject), host.jid)
    }
  },
})

const AUDIENCES = [
  { to: 'online', node: 'announce', about: 'writes to everybody who is connected' },
  // Registered by nobody, but where other servers have it.
  { to: 'all', node: 'announce-all', about: 'writes to all accounts, also those that are away' },
] as const
