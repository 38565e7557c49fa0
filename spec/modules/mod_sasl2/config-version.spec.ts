import { createHmac, randomUUID } from 'node:crypto'
import t from 'tap'
import { startOwnServer } from '../../support/own-server.ts'
import { Wire } from '../../support/wire.ts'

const SASL2 = "xmlns='urn:xmpp:sasl:2'"
const header =
  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' from='juliet@localhost' version='1.0'>"

const versionIn = (features: string): string => /<config-version[^>]* value='([^']+)'/.exec(features)?.[1] ?? ''

t.test('everything in one piece: header, token, binding, and the first stanza', async (t) => {
  const own = await startOwnServer()
  t.teardown(() => own[Symbol.asyncDispose]())
  await own.accounts('localhost').create('juliet', 'secret')
  const client = (): Wire => {
    const wire = new Wire(own.ports.c2s)
    t.teardown(() => wire.drop())
    return wire
  }
  const agent = `<user-agent id='${randomUUID()}'/>`
  const first = client()
  const version = versionIn(await first.open('juliet@localhost'))
  const plain = Buffer.from('\0juliet\0secret').toString('base64')
  const want = `<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>`
  first.write(
    `<authenticate ${SASL2} mechanism='PLAIN'><initial-response>${plain}</initial-response>${agent}${want}</authenticate>`,
  )
  const success = await first.until(/<\/success>/)
  t.notMatch(await first.until(/<\/stream:features>/), 'config-version', 'of no use to whoever has logged in')
  const token = /token='([^']+)'/.exec(success)?.[1] ?? ''

  const login = (known: string): string => {
    const proof = Buffer.concat([Buffer.from('juliet\0'), createHmac('sha256', token).update('Initiator').digest()])
    return (
      `<authenticate ${SASL2} mechanism='HT-SHA-256-NONE'><initial-response>${proof.toString('base64')}</initial-response>` +
      `${agent}<fast xmlns='urn:xmpp:fast:0'/><bind xmlns='urn:xmpp:bind:0'/>` +
      `<config-version xmlns='urn:xmpp:iap:0' value='${known}'/></authenticate>`
    )
  }
  const second = client()
  second.write(`${header}${login(version)}<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>`)
  t.match(await second.until(/<\/success>/), '<bound')
  await second.until(/id='p1'/)

  const third = client()
  third.write(header + login('x').repeat(8) + login(version))
  const refused = await third.until(/<success/)
  t.equal(refused.match(/<config-version-mismatch xmlns='urn:xmpp:iap:0'\/>/g)?.length, 8, 'that is no failed login')

  await own.reload('modules: { smacks: false }')
  const fourth = client()
  fourth.write(header + login(version))
  const mismatch = await fourth.until(/<\/failure>/)
  t.match(mismatch, '<aborted', 'something else is offered now')
  const anew = versionIn(mismatch)
  t.not(anew, version)
  fourth.write(login(anew))
  await fourth.until(/<\/success>/)
})
