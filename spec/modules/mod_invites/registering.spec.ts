/** XEP-0445: what somebody who was invited may do before logging in. */
import t from 'tap'
import { Jid } from '../../../server/jid/jid.ts'
import { type OwnServer, startOwnServer } from '../../support/own-server.ts'
import { Wire } from '../../support/wire.ts'

const ADMIN = Jid.parse('admin@localhost')
const ROMEO = Jid.parse('romeo@localhost')

/** Gives a command in the name of an account; what it reports. */
async function give(
  { server }: OwnServer,
  name: string,
  args: Readonly<Record<string, unknown>>,
  by?: Jid,
): Promise<string> {
  const commands = server.hosts.get('localhost')?.host.provisions.items('command') ?? []
  const command = [...commands].find((each) => each.name === name)
  const lines: string[] = []
  await command?.run(args, (line) => void lines.push(line), by)
  return lines.join('\n')
}

const tokenIn = (uri: string): string => /preauth=(\w+)/.exec(uri)?.[1] ?? ''

async function withServer(config: string, run: (own: OwnServer, client: () => Wire) => Promise<void>): Promise<void> {
  await using own = await startOwnServer({ config: `modules: ${config}` })
  await own.accounts('localhost').create('admin', 'secret', 'admin')
  await own.accounts('localhost').create('romeo', 'secret')
  using wires = new DisposableStack()
  await run(own, () => wires.adopt(new Wire(own.ports.c2s), (wire) => wire.drop()))
}

async function ask(wire: Wire, type: 'get' | 'set', payload: string): Promise<string> {
  const id = `q${Math.random()}`
  wire.write(`<iq type='${type}' id='${id}'>${payload}</iq>`)
  return wire.until(new RegExp(`<iq[^>]* id='${id}'[^>]*(?:/>|>.*?</iq>)`))
}

const show = (wire: Wire, token: string) => ask(wire, 'set', `<preauth xmlns='urn:xmpp:pars:0' token='${token}'/>`)
const register = (wire: Wire, name: string) =>
  ask(wire, 'set', `<query xmlns='jabber:iq:register'><username>${name}</username><password>secret</password></query>`)

t.test('an account of a reserved name', async (t) => {
  await withServer('{}', async (own, client) => {
    const uri = await give(own, 'invite account', { username: 'Juliet', roster_subscription: true }, ADMIN)
    t.match(uri, /^xmpp:juliet@localhost\?register;preauth=[0-9a-f]{24}$/)
    const admin = client()
    await admin.enter('admin', 'secret', 'desk')
    await ask(admin, 'get', "<query xmlns='jabber:iq:roster'/>")

    const juliet = client()
    t.match(await juliet.open(), "<register xmlns='urn:xmpp:ibr-token:0'/>")
    t.match(await register(juliet, 'juliet'), 'service-unavailable', 'not without the token')
    t.match(await show(juliet, tokenIn(uri)), `type='result'`)
    t.match(await ask(juliet, 'get', "<query xmlns='jabber:iq:register'/>"), '<username>juliet</username>')
    t.match(await register(juliet, 'capulet'), 'not-acceptable', 'not of another name')
    t.match(await register(juliet, 'juliet'), `type='result'`)
    t.match(await admin.until(/<item[^>]*>/), /<item jid='juliet@localhost' subscription='both'/)
    t.match(await register(juliet, 'juliet'), 'not-allowed', 'only once')

    const late = client()
    await late.open()
    t.match(await show(late, tokenIn(uri)), 'item-not-found')

    const home = client()
    await home.enter('juliet', 'secret', 'balcony')
    t.match(
      await ask(home, 'get', "<query xmlns='jabber:iq:roster'/>"),
      `<item jid='admin@localhost' subscription='both'`,
    )
    t.equal(await give(own, 'invite list', {}), '')
  })
})

t.test('of several who have the same token one gets an account', async (t) => {
  await withServer('{}', async (own, client) => {
    const uri = await give(own, 'invite account', { roster_subscription: false }, ADMIN)
    t.match(uri, /^xmpp:localhost\?register;preauth=/)
    const wires = ['benvolio', 'mercutio', 'tybalt'].map((name) => ({ name, wire: client() }))
    for (const { wire } of wires) {
      await wire.open()
      await show(wire, tokenIn(uri))
    }
    const answers = await Promise.all(wires.map(({ name, wire }) => register(wire, name)))
    t.equal(answers.filter((answer) => answer.includes(`type='result'`)).length, 1)
    t.equal(answers.filter((answer) => answer.includes('not-allowed')).length, 2)
  })
})

t.test('what was refused can be tried again', async (t) => {
  await withServer('{}', async (own, client) => {
    const token = tokenIn(await give(own, 'invite account', { roster_subscription: false }, ADMIN))
    const wire = client()
    await wire.open()
    await show(wire, token)
    t.match(await register(wire, 'romeo'), 'conflict')
    const another = client()
    await another.open()
    t.match(await show(another, token), `type='result'`)
    t.match(await register(another, 'juliet'), `type='result'`)
  })
})

t.test('a token that was shown in time is good for the rest of the stream', async (t) => {
  await withServer('{ invites: { expire_after: 1 second } }', async (own, client) => {
    const uri = await give(own, 'invite account', { roster_subscription: false }, ADMIN)
    const [early, late] = [client(), client()]
    await early.open()
    await late.open()
    t.match(await show(early, tokenIn(uri)), `type='result'`)
    await new Promise((resolve) => setTimeout(resolve, 1100))
    t.match(await show(late, tokenIn(uri)), 'item-not-found')
    t.match(await register(early, 'juliet'), `type='result'`)
  })
})

t.test('people invite contacts; whether those may have an account, the admin says', async (t) => {
  await withServer('{}', async (own, client) => {
    const uri = await give(own, 'invite contact', {}, ROMEO)
    t.match(uri, /^xmpp:romeo@localhost\?roster;preauth=\w+$/)
    const wire = client()
    await wire.open()
    t.match(await show(wire, tokenIn(uri)), 'item-not-found')
    t.match(await give(own, 'invite contact', {}, ADMIN), /;ibr=y$/)
    await t.rejects(give(own, 'invite contact', {}), /say who invites/)
  })
  await withServer('{ invites: { users_may_invite: true, max_open: 2 } }', async (own, client) => {
    const uri = await give(own, 'invite contact', {}, ROMEO)
    t.match(uri, /;ibr=y$/)
    const wire = client()
    await wire.open()
    await show(wire, tokenIn(uri))
    t.match(await register(wire, 'juliet'), `type='result'`)
    await give(own, 'invite contact', {}, ROMEO)
    await t.rejects(give(own, 'invite contact', {}, ROMEO), /more than 2 invitations/)
    const token = tokenIn(
      await give(own, 'invite account', { username: 'nurse', roster_subscription: true, from: ROMEO }),
    )
    await own.accounts('localhost').update('romeo', { disabled: true })
    t.match(await show(wire, token), 'item-not-found', 'whoever was disabled has invited nobody')
  })
})

t.test('invitations of those who go, and those that are taken back, are of no use', async (t) => {
  await withServer('{}', async (own, client) => {
    const ofRomeo = tokenIn(await give(own, 'invite account', { roster_subscription: true, from: ROMEO }))
    const revoked = tokenIn(await give(own, 'invite account', { username: 'juliet', roster_subscription: true }))
    await own.accounts('localhost').remove('romeo')
    await t.rejects(own.accounts('localhost').create('juliet', 'secret'), /reserved/)
    await give(own, 'invite revoke', { token: revoked })
    const wire = client()
    await wire.open()
    t.match(await show(wire, ofRomeo), 'item-not-found')
    t.match(await show(wire, revoked), 'item-not-found')
    await own.accounts('localhost').create('juliet', 'secret')
  })
})
