import t from 'tap'
import { AccountWorld } from '../support/account-world.ts'

t.test('two clients that come at once are one account, which is told once', async (t) => {
  await using world = await AccountWorld.open({ modules: "{ motd: { message: 'Hello' } }" })
  const phone = await world.client('romeo@localhost/phone', { silent: true })
  const laptop = await world.client('romeo@localhost/laptop', { silent: true })
  await Promise.all([phone.say('<presence/>'), laptop.say('<presence/>')])
  const bodies = [...phone.take(), ...laptop.take()].filter((stanza) => stanza.has('body'))
  t.equal(new Set(bodies.map(({ id }) => id)).size, 1)
  t.strictSame(world.complaints, [])
})

t.test('what admins have set holds until they delete it', async (t) => {
  await using world = await AccountWorld.open({ modules: "{ motd: { message: 'Hello' } }" })
  const shown = async (address: string): Promise<readonly (string | undefined)[]> => {
    const client = await world.client(address, { silent: true })
    await client.say('<presence/>')
    return client.take().flatMap((stanza) => stanza.childText('body') ?? [])
  }
  await world.command('motd set', { text: 'Goodbye' })
  t.strictSame(await shown('romeo@localhost/phone'), ['Goodbye'])
  t.match(await world.command('motd delete'), [/configuration/])
  t.strictSame(await shown('juliet@localhost/phone'), ['Hello'])
  t.strictSame(await shown('romeo@localhost/laptop'), ['Hello'], 'though it had seen the other one')
})

t.test('there may be none', async (t) => {
  await using world = await AccountWorld.open()
  await t.rejects(world.command('motd edit', { text: 'Hello' }), /there is no message of the day/)
})
