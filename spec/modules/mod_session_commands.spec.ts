import t from 'tap'
import { Jid } from '../../server/jid/jid.ts'
import { startOwnServer } from '../support/own-server.ts'
import { Wire } from '../support/wire.ts'

t.test('sessions are shown with how they came about, and ended', async (t) => {
  const own = await startOwnServer()
  t.teardown(() => own[Symbol.asyncDispose]())
  await own.accounts('localhost').create('romeo', 'secret')
  await own.accounts('localhost').create('juliet', 'secret')
  const wires = await Promise.all(
    ['romeo/orchard', 'romeo/phone', 'juliet/balcony'].map(async (who) => {
      const [user = '', resource = ''] = who.split('/')
      const wire = new Wire(own.ports.c2s)
      t.teardown(() => wire.drop())
      await wire.enter(user, 'secret', resource)
      return wire
    }),
  )
  const commands = [...(own.server.hosts.get('localhost')?.host.provisions.items('command') ?? [])]
  const run = async (name: string, args: Record<string, unknown>): Promise<readonly string[]> => {
    const lines: string[] = []
    await commands.find((one) => one.name === name)?.run(args, (line) => void lines.push(line))
    return lines
  }
  const all = { max_items: 10 }
  t.equal((await run('session list', all)).length, 3)
  t.match(await run('session list', { max_items: 2 }), [/@/, /@/, 'and 1 more'])
  const [line] = await run('session list', { ...all, jid: Jid.parse('juliet@localhost') })
  t.match(line, /^juliet@localhost\/balcony, since 20[^,]+, PLAIN, 127\.0\.0\.1, tcp, not encrypted$/)
  await t.rejects(run('session list', { ...all, jid: Jid.parse('juliet@verona.example') }), /no account of localhost/)

  const reason = 'Go'
  t.same(await run('session kick', { jid: Jid.parse('romeo@localhost/phone'), reason }), [
    'romeo@localhost/phone has to go',
  ])
  t.match(await wires[1]?.until(/<\/stream:error>/), /<policy-violation.*Go/)
  await t.rejects(run('session kick', { jid: Jid.parse('romeo@localhost/phone'), reason }), /is not connected/)
  t.same(await run('session kick', { jid: Jid.parse('romeo@localhost'), reason }), [
    'romeo@localhost/orchard has to go',
  ])
  t.equal((await run('session list', all)).length, 1)
})
