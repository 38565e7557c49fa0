import t from 'tap'
import { CommandRegistry } from '../../../server/admin/command-registry.ts'
import { startOwnServer } from '../../support/own-server.ts'

t.test('a command of one host, or of all of them', async (t) => {
  await using own = await startOwnServer({ config: 'hosts: { localhost: {}, verona.localhost: {} }' })
  const commands = new CommandRegistry(own.server.hosts, own.server.serverModules.provisions)
  const run = async (...words: readonly string[]): Promise<readonly string[]> => {
    const lines: string[] = []
    await commands.run(words, (line) => lines.push(line))
    return lines
  }
  await run('user', 'add', 'romeo@verona.localhost', 'secret')
  t.strictSame(await run('user', 'count', 'registered', '--host', 'verona.localhost'), ['1'])
  t.strictSame(await run('user', 'count', 'registered', '--all-hosts'), ['localhost: 0', 'verona.localhost: 1'])
  t.strictSame(await run('announce', 'all', 'Hello there', '--all-hosts'), [
    'localhost: sent to 0 accounts',
    'verona.localhost: sent to 1 accounts',
  ])
  await t.rejects(run('user', 'list'), /say on which host: --host with one of localhost, verona.localhost/)
  await t.rejects(run('user', 'list', '--host', 'elsewhere'), /no such host here: elsewhere/)
  await t.rejects(run('user', 'list', '--host'), /--host needs a domain/)
  await t.rejects(run('user', 'dance'), /unknown command: user dance/)
})
