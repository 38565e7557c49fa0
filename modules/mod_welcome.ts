/** XEP-0133 §4.27, §4.28: what new accounts are told. */
import { administration } from '../server/admin/service-administration.ts'
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import { hostMessage } from '../server/protocol/host-message.ts'
import { keyval } from '../storage/store.ts'

export default defineModule({
  name: 'welcome',
  about: 'writes to new accounts',
  xeps: { 133: '1.3.1' },
  on: ['local'],
  config: {
    message: t
      .string()
      .optional()
      .describe(
        'What new accounts are told, unless admins have set something else; $username and $host are filled in.',
      ),
  },
  stores: { welcome: keyval<string>('welcome') },

  async setup(host, { config: { message }, stores }) {
    let text = (await stores.welcome.get('')) ?? message

    host.on('account/created', ({ node }) => {
      if (text === undefined) return
      const body = text.replaceAll(/\$(username|host)\b/g, (_, name) => (name === 'host' ? host.domain : node))
      const to = host.jid.withNode(node)
      // It waits there for the first login.
      host.spawn('welcome an account', () =>
        host.sendTo(to, hostMessage({ from: host.jid, to, id: host.random.id() }, body), host.jid),
      )
    })

    host.command({
      name: 'welcome set',
      about: 'sets what new accounts are told',
      role: 'admin',
      adhoc: administration('set-welcome', {
        fields: { text: 'welcome' },
        presets: () => (text === undefined ? {} : { text }),
      }),
      args: { text: t.lines().describe('Welcome message') },
      async run({ text: wanted }, report) {
        await stores.welcome.set('', wanted)
        text = wanted
        report('new accounts are told that from now on')
      },
    })

    host.command({
      name: 'welcome delete',
      about: 'deletes what new accounts are told',
      role: 'admin',
      adhoc: administration('delete-welcome'),
      args: {},
      async run(_, report) {
        await stores.welcome.set('', undefined)
        text = message
        report(text === undefined ? 'new accounts are told nothing' : 'what the configuration says holds again')
      },
    })
  },
})
