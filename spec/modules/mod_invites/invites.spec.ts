/** XEP-0379 on behalf of clients, and how long invitations live. */
import t from 'tap'
import { Jid } from '../../../server/jid/jid.ts'
import { AccountWorld, type Person } from '../../support/account-world.ts'

const ROSTER = "<query xmlns='jabber:iq:roster'/>"

async function tokenOf(world: AccountWorld, from: string): Promise<string> {
  const [uri = ''] = await world.command('invite contact', { from: Jid.parse(from) })
  return /preauth=(\w+)/.exec(uri)?.[1] ?? ''
}

async function contactsOf(person: Person): Promise<readonly string[]> {
  const answer = await person.ask('get', ROSTER)
  return (answer.child('query', 'jabber:iq:roster')?.elements ?? []).map(({ attrs }) =>
    `${attrs['jid']} ${attrs['subscription']} ${attrs['ask'] ?? ''}`.trim(),
  )
}

const request = (token: string): string =>
  `<presence type='subscribe' to='romeo@localhost'><preauth xmlns='urn:xmpp:pars:0' token='${token}'/></presence>`

t.test('whoever has the token is a contact, and nobody is asked', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  const juliet = await world.client('juliet@localhost/balcony')
  const token = await tokenOf(world, 'romeo@localhost')
  await juliet.say("<presence type='subscribed' to='romeo@localhost'/>")
  await juliet.say(request(token))
  t.notOk(romeo.take().some(({ type }) => type === 'subscribe'))
  t.strictSame(await contactsOf(romeo), ['juliet@localhost both'])
  t.strictSame(await contactsOf(juliet), ['romeo@localhost both'])

  const tybalt = await world.client('tybalt@localhost/street')
  romeo.take()
  await tybalt.say(request(token))
  t.ok(
    romeo.take().some(({ type, from }) => type === 'subscribe' && from === 'tybalt@localhost'),
    'whoever comes later with it is somebody who asks',
  )
  t.strictSame(world.complaints, [])
})

t.test('a token is good for its inviter only, and for some time only', async (t) => {
  await using world = await AccountWorld.open({ modules: '{ invites: { expire_after: 1 day } }' })
  const romeo = await world.client('romeo@localhost/orchard')
  const nurse = await world.client('nurse@localhost/kitchen')
  await world.accounts.create('juliet', 'secret')
  await nurse.say(request(await tokenOf(world, 'juliet@localhost')))
  t.ok(romeo.take().some(({ type }) => type === 'subscribe'))
  await nurse.say("<presence type='unsubscribe' to='romeo@localhost'/>")
  const token = await tokenOf(world, 'romeo@localhost')
  romeo.take()
  await world.advance(86_400_000)
  await nurse.say(request(token))
  t.ok(romeo.take().some(({ type }) => type === 'subscribe'))
  t.strictSame(await world.command('invite list'), [])
})
