/** XEP-0227: Portable Import/Export Format. All that is kept for an account, as a file that other servers understand. */
import { createReadStream } from 'node:fs'
import { nodeAt } from '../../server/admin/account-argument.ts'
import { CommandError } from '../../server/admin/command.ts'
import { t } from '../../server/config/types.ts'
import { defineModule } from '../../server/host/module.ts'
import { messageText } from '../../server/protocol/archive-text.ts'
import { escapeAttribute } from '../../server/xml/escape.ts'
import { XmlError } from '../../server/xml/xml-error.ts'
import { archive, map } from '../../storage/store.ts'
import { blockedPart } from './blocked.ts'
import { contactsPart } from './contacts.ts'
import { credentialsPart } from './credentials.ts'
import { Import } from './import.ts'
import { archivePart, offlinePart } from './messages.ts'
import { nodesPart } from './nodes.ts'
import { NS_PORTABLE, type Part } from './part.ts'
import { PortableReader } from './reader.ts'
import { cardPart, settingsPart } from './settings.ts'

export default defineModule({
  name: 'portable',
  about: 'writes accounts to files, and reads them from files of other servers',
  xeps: { 227: '1.1' },
  on: ['local'],
  depends: ['accounts', 'roster'],
  // Those of other modules, by their names.
  stores: {
    messages: archive('archive', { textOf: messageText }),
    waiting: archive('offline'),
    settings: map<string>('private'),
    blocked: map<{ readonly since: number }>('blocklist'),
    nodes: map<unknown>('pubsub'),
  },

  setup(host, { stores }) {
    if (host.anonymous) return
    const accounts = host.service('accounts')
    const now = (): number => host.clock.now()
    const parts: readonly Part[] = [
      credentialsPart(accounts),
      contactsPart(host.service('roster')),
      blockedPart(stores.blocked, now),
      cardPart(host),
      settingsPart(host, stores.settings),
      nodesPart(host, stores.nodes),
      offlinePart(stores.waiting, now),
      archivePart(stores.messages),
    ]

    host.command({
      name: 'user export',
      about: 'tells all that is kept for an account, as XML (XEP-0227), with what its password can be checked by',
      role: 'operator',
      args: { jid: t.jid() },
      async run({ jid }, report) {
        const node = nodeAt(host.domain, jid)
        if (!(await accounts.exists(node))) throw new CommandError(`there is no account ${jid.bare}`)
        report(`<?xml version='1.0' encoding='UTF-8'?>`)
        report(`<server-data xmlns='${NS_PORTABLE}'>`)
        report(`<host jid='${escapeAttribute(host.domain)}'>`)
        report(`<user name='${escapeAttribute(node)}'>`)
        for (const part of parts) for await (const piece of part.write(jid.toBare())) report(piece)
        for (const end of ['user', 'host', 'server-data']) report(`</${end}>`)
      },
    })

    host.command({
      name: 'user import',
      about:
        'makes the accounts of this host that are in a file (XEP-0227); those that are there already stay as they are',
      role: 'operator',
      args: { file: t.string() },
      async run({ file }, report) {
        const taking = new Import(host, parts)
        const reader = new PortableReader()
        try {
          for await (const chunk of createReadStream(file, { encoding: 'utf8' })) {
            for (const piece of reader.read(String(chunk))) await taking.take(piece)
          }
          reader.end()
          await taking.settled()
        } catch (error) {
          throw refusalOf(error, file)
        } finally {
          for (const line of taking.report()) report(line)
        }
      },
    })
  },
})

/** In words for whoever has named the file. */
function refusalOf(error: unknown, file: string): unknown {
  if (error instanceof XmlError) return new CommandError(`${file} cannot be read: ${error.message || error.condition}`)
  const isAboutFile = error instanceof Error && 'syscall' in error
  return isAboutFile ? new CommandError(`${file} cannot be read: ${error.message}`) : error
}
