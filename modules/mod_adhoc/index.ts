/** XEP-0050: Ad-Hoc Commands. Every command of the host, for those who may give it. */
import { LRUCache } from 'lru-cache'
import { readArguments } from '../../server/admin/arguments.ts'
import { type AnyCommand, type CommandRole, isForPeople } from '../../server/admin/command.ts'
import { type Form, renderForm } from '../../server/protocol/data-form.ts'
import type { IqRequest } from '../../server/host/host.ts'
import { defineModule } from '../../server/host/module.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { StanzaError, type StanzaCondition } from '../../server/stanza-error.ts'
import { Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { formOf, presetsOf, titleOf, wordsOf } from './command-form.ts'

/** A command whose form has been sent and not come back. */
interface Open {
  readonly command: AnyCommand
  readonly by: string
  readonly form: Form
}

const MOST_OPEN = 1000
const OPEN_MILLISECONDS = 600_000
const ACTIONS: ReadonlySet<string> = new Set(['execute', 'cancel', 'complete', 'next', 'prev'])

export default defineModule({
  name: 'adhoc',
  about: 'offers the commands of the host to clients',
  xeps: { 50: '1.3.0' },
  on: ['local', 'muc', 'pubsub'],

  setup(host) {
    const open = new LRUCache<string, Open>({ max: MOST_OPEN, ttl: OPEN_MILLISECONDS })
    host.feature(NS.commands)

    host.provide('disco-node', {
      node: NS.commands,
      info: () => ({
        identities: [{ category: 'automation', type: 'command-list', name: 'Commands' }],
        features: [NS.commands, NS.discoInfo, NS.discoItems],
        forms: [],
      }),
      items: async (asking) => {
        const roles = await rolesOf(asking)
        const may = [...host.items('command')].filter(({ role }) => roles.has(role))
        return may.map((command) => ({ jid: host.domain, node: nodeOf(command), name: titleOf(command) }))
      },
    })

    host.each('command', (command) => {
      // What a node is about is shown to those who may use it (XEP-0050 §2.2).
      const node = {
        node: nodeOf(command),
        info: async (asking: Jid) => {
          await requireRole(command, asking)
          return {
            identities: [{ category: 'automation', type: 'command-node', name: titleOf(command) }],
            features: [NS.commands, NS.dataForms],
            forms: [],
          }
        },
        items: () => [],
      }
      const provided = host.provideUntil('disco-node', node)
      return () => provided[Symbol.dispose]()
    })

    host.iq({ type: 'set', ns: NS.commands, name: 'command', at: 'host' }, async (request) => {
      const { node, action = 'execute', sessionid } = request.payload.attrs
      // XEP-0050 §3.4: what the parts of a bad request are called.
      if (!ACTIONS.has(action)) throw refusal('bad-request', 'malformed-action')
      const command = [...host.items('command')].find((known) => nodeOf(known) === node)
      if (command === undefined) throw new StanzaError('item-not-found')
      await requireRole(command, request.from)
      return sessionid === undefined ? begin(command, request, action) : goOn(sessionid, request, action)
    })

    async function begin(command: AnyCommand, { from, payload }: IqRequest, action: string): Promise<Element> {
      if (action !== 'execute' && action !== 'complete') throw refusal('bad-request', 'bad-action')
      const session = host.random.id()
      const form = formOf(command)
      if (form === undefined) return run(command, [], session, from)
      const x = payload.child('x', NS.dataForms)
      // Whoever knows the form need not ask for it.
      if (x !== undefined) return submit({ command, by: from.full, form }, x, session, from)
      open.set(session, { command, by: from.full, form })
      return answer(
        command,
        session,
        'executing',
        xml('actions', { execute: 'complete' }, xml('complete', {})),
        renderForm(form, await presetsOf(command)),
      )
    }

    async function goOn(session: string, { from, payload }: IqRequest, action: string): Promise<Element> {
      const opened = open.get(session)
      if (opened === undefined || opened.by !== from.full) throw refusal('bad-request', 'bad-sessionid')
      if (action === 'prev') throw refusal('bad-request', 'bad-action')
      if (action !== 'cancel') return submit(opened, payload.child('x', NS.dataForms), session, from)
      open.delete(session)
      return answer(opened.command, session, 'canceled')
    }

    async function submit({ command, form }: Open, x: Element | undefined, session: string, by: Jid): Promise<Element> {
      const words = wordsOf(command, form, x)
      open.delete(session)
      if (words === undefined) return answer(command, session, 'canceled')
      return run(command, words, session, by)
    }

    async function run(command: AnyCommand, words: readonly string[], session: string, by: Jid): Promise<Element> {
      const lines: string[] = []
      try {
        const form = await command.run(readArguments(command, words), (line) => lines.push(line), by)
        if (form instanceof Element) return answer(command, session, 'completed', form)
      } catch (error) {
        if (!(error instanceof Error) || !isForPeople(error)) throw error
        return answer(command, session, 'completed', xml('note', { type: 'error' }, error.message))
      }
      return answer(command, session, 'completed', xml('note', { type: 'info' }, lines.join('\n')))
    }

    async function requireRole({ role }: AnyCommand, asking: Jid): Promise<void> {
      if (!(await rolesOf(asking)).has(role)) throw new StanzaError('forbidden')
    }

    /** Admins of the host, by configuration or by their account; everybody with an account; nobody is the operator here. */
    async function rolesOf({ node, domain, bare }: Jid): Promise<ReadonlySet<CommandRole>> {
      if (host.admins.some((admin) => admin.bare === bare)) return new Set(['user', 'admin'])
      if (domain !== host.domain || node === undefined) return new Set()
      const account = await host.optionalService('accounts')?.get(node)
      return new Set(account?.role === 'admin' ? ['user', 'admin'] : ['user'])
    }
  },
})

function nodeOf({ name, adhoc }: AnyCommand): string {
  return adhoc?.node ?? name.replaceAll(' ', '-')
}

function answer(command: AnyCommand, sessionid: string, status: string, ...children: readonly Element[]): Element {
  return xml('command', { xmlns: NS.commands, node: nodeOf(command), sessionid, status }, ...children)
}

function refusal(condition: StanzaCondition, detail: string): StanzaError {
  return new StanzaError(condition, undefined, { extra: xml(detail, { xmlns: NS.commands }) })
}
