import { createHmac, randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Jid } from '../../../server/jid/jid.ts'
import { type OwnServer, startOwnServer } from '../../support/own-server.ts'
import { Wire } from '../../support/wire.ts'
import { FakeIssuer } from '../mod_oauth/fake-issuer.ts'

const SASL2 = "xmlns='urn:xmpp:sasl:2'"
const BIND = "<bind xmlns='urn:xmpp:bind:0'/>"
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const plain = base64('\0juliet\0secret')
const agent = (id: string): string => `<user-agent id='${id}'><software>Spec</software></user-agent>`

async function scene(t: Test, config = '') {
  const own = await startOwnServer({ config })
  t.teardown(() => own[Symbol.asyncDispose]())
  await own.accounts('localhost').create('juliet', 'secret')
  const login = async (mechanism: string, response: string, ...inside: readonly string[]) => {
    const wire = new Wire(own.ports.c2s)
    t.teardown(() => wire.drop())
    await wire.open()
    wire.write(
      `<authenticate ${SASL2} mechanism='${mechanism}'><initial-response>${response}</initial-response>` +
        `${inside.join('')}</authenticate>`,
    )
    return { wire, outcome: await wire.until(/<\/(?:success|failure)>/) }
  }
  return { own, login }
}

async function command(own: OwnServer, name: string, args: Record<string, unknown>): Promise<readonly string[]> {
  const commands = [...(own.server.hosts.get('localhost')?.host.provisions.items('command') ?? [])]
  const lines: string[] = []
  await commands.find((one) => one.name === name)?.run(args, (line) => void lines.push(line))
  return lines
}

const juliet = (own: OwnServer): Jid | undefined => own.server.hosts.get('localhost')?.host.jid.withNode('juliet')

/** What a client is told of those of its account; `mod` is what it asks for. */
async function ask(wire: Wire, payload: string, type = 'get'): Promise<string> {
  const id = randomUUID()
  wire.write(`<iq type='${type}' id='${id}'>${payload}</iq>`)
  return wire.until(new RegExp(`id='${id}'(?:[^>]*/>|[^]*?</iq>)`))
}

const LIST = "<list xmlns='urn:xmpp:cam:0'/>"
const idsIn = (list: string): readonly string[] => [...list.matchAll(/<client id='([^']+)'/g)].map(([, id = '']) => id)

t.test('a grant can be taken back, and does not reach to the other clients', async (t) => {
  const issuer = await FakeIssuer.start()
  t.teardown(() => issuer[Symbol.asyncDispose]())
  const { own, login } = await scene(t, `modules: { oauth: { issuer: '${issuer.url}', audience: [chat] } }`)
  const owner = await login('PLAIN', plain, agent(randomUUID()), BIND)
  const bearer = base64(`n,,\x01auth=Bearer ${await issuer.token()}\x01\x01`)
  const guest = await login('OAUTHBEARER', bearer, agent(randomUUID()), BIND)
  t.match(await ask(guest.wire, LIST), '<forbidden')
  t.match(await ask(guest.wire, `<revoke xmlns='urn:xmpp:cam:0' id='x'/>`, 'set'), '<forbidden')

  const list = await ask(owner.wire, LIST)
  t.match(list, /<auth><password\/><\/auth><permission status='unrestricted'\/>/)
  const [, granted = ''] =
    /<client id='([^']+)'(?:(?!<client ).)*<auth><grant\/><\/auth><permission status='normal'/.exec(list) ?? []
  t.match(await ask(owner.wire, `<revoke xmlns='urn:xmpp:cam:0' id='${granted}'/>`, 'set'), "type='result'")
  t.match(await guest.wire.until(/<\/stream:error>/), '<not-authorized')
  t.equal(idsIn(await ask(owner.wire, LIST)).length, 1)
  t.equal((await command(own, 'device list', { jid: juliet(own) })).length, 1)
})

t.test('admins see devices and revoke them', async (t) => {
  const { own, login } = await scene(t, 'modules: { clients: { keep_addresses: true } }')
  const id = randomUUID()
  const want = `<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>`
  const { wire, outcome } = await login('PLAIN', plain, agent(id), want, BIND)
  const token = /token='([^']+)'/.exec(outcome)?.[1] ?? ''
  const jid = juliet(own)
  const [line = '', ...more] = await command(own, 'device list', { jid })
  t.same(more, [])
  t.match(line, /^[\w-]{16}, Spec, password\+tokens, connected, 127\.0\.0\.1$/)
  wire.drop()

  const told = await command(own, 'device revoke', { jid, id: line.slice(0, 16) })
  t.match(told, [/has no access any more/, /knows the password of juliet@localhost/])
  const proof = Buffer.concat([Buffer.from('juliet\0'), createHmac('sha256', token).update('Initiator').digest()])
  const again = await login('HT-SHA-256-NONE', proof.toString('base64'), agent(id), `<fast xmlns='urn:xmpp:fast:0'/>`)
  t.match(again.outcome, '<not-authorized')
  t.same(await command(own, 'device list', { jid }), [])
  await t.rejects(command(own, 'device revoke', { jid, id: 'x' }), /has no client x/)
})

t.test('a client that was cut off is connected until it is given up', async (t) => {
  const { login } = await scene(t)
  const owner = await login('PLAIN', plain, BIND)
  const bind = `<bind xmlns='urn:xmpp:bind:0'><enable xmlns='urn:xmpp:sm:3' resume='1'/></bind>`
  const phone = await login('PLAIN', plain, agent(randomUUID()), bind)
  const address = /identifier>([^<]+)</.exec(phone.outcome)?.[1]
  phone.wire.drop()
  await ask(owner.wire, LIST)
  const list = await ask(owner.wire, LIST)
  t.equal(list.match(/connected='true'/g)?.length, 2, `${address} may come back`)
})
