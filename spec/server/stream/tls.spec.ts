import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import net, { type AddressInfo, type ListenOptions, type NetConnectOpts, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { TlsAcceptor, type TlsChannel } from '../../../server/stream/tls.ts'
import type { Certificate } from '../../../server/stream/tls-identities.ts'
import { dnsName, makeCertificate, type MadeCertificate, xmppAddr } from '../auth/sasl/make-certificate.ts'

const verona = makeCertificate([dnsName('verona.example')], { commonName: 'verona' })
const mantua = makeCertificate([dnsName('mantua.example')], { commonName: 'mantua', signature: 'rsa-sha256' })
const romeo = makeCertificate([xmppAddr('romeo@verona.example')], { commonName: 'romeo' })
const iago = makeCertificate([xmppAddr('romeo@verona.example')], { commonName: 'iago' })

const certificateOf = ({ pem, keyPem }: MadeCertificate, authority?: MadeCertificate): Certificate => ({
  cert: Buffer.from(pem),
  key: Buffer.from(keyPem),
  clientAuthorities: authority && Buffer.from(authority.pem),
})

type Options = ConstructorParameters<typeof TlsAcceptor>[0]

function makeAcceptor(options: Partial<Options> = {}): TlsAcceptor {
  const acceptor = new TlsAcceptor({
    minVersion: 'TLSv1.2',
    requestCertificates: false,
    protocols: ['xmpp-client'],
    ...options,
  })
  acceptor.setCertificate('verona.example', certificateOf(verona))
  acceptor.setCertificate('mantua.example', certificateOf(mantua))
  return acceptor
}

/** Gives all connections to `acceptor`; `secured` are those that got through, each of which repeats what it hears. */
async function listen(t: Test, acceptor: TlsAcceptor, where: ListenOptions = { port: 0, host: '127.0.0.1' }) {
  const secured: TlsChannel[] = []
  const failures: Error[] = []
  const failed = Promise.withResolvers<void>()
  const sockets: Socket[] = []
  const wanted: { domain: string | undefined } = { domain: undefined }
  const server = net.createServer((socket) => {
    sockets.push(socket)
    acceptor.secure(socket, wanted.domain).then(
      (channel) => {
        const { socket: one } = channel
        secured.push(channel)
        one.on('error', () => {}).on('data', (bytes: Buffer) => one.write(bytes))
      },
      (error: Error) => {
        failures.push(error)
        failed.resolve()
      },
    )
  })
  server.listen(where)
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  const to: NetConnectOpts = typeof address === 'string' ? { path: address } : { port: (address as AddressInfo).port }
  return { to, secured, failures, failed: failed.promise, wanted, sockets }
}

/** A client that has heard what it has said; gives also the socket at our end. */
async function converse(
  { to, secured }: Awaited<ReturnType<typeof listen>>,
  options: ConnectionOptions = {},
): Promise<{ client: TLSSocket; own: TLSSocket; channel: TlsChannel; name: string }> {
  const client = tls.connect({ ...to, rejectUnauthorized: false, ...options })
  client.on('error', () => {})
  await once(client, 'secureConnect')
  const said = keyOf(client)
  client.write(said)
  const [heard] = (await once(client, 'data')) as [Buffer]
  if (heard.toString() !== said) throw new Error('that was not for us')
  const channel = secured.find(({ socket }) => !socket.destroyed && keyOf(socket) === said)
  if (channel === undefined) throw new Error('nobody has secured that')
  return { client, own: channel.socket, channel, name: String(client.getPeerCertificate().subject?.CN) }
}

/** What only the two ends of a connection know. */
const keyOf = (socket: TLSSocket): string => socket.exportKeyingMaterial(16, 'test', Buffer.alloc(0)).toString('hex')

/** The code of the error that a client gets. */
async function refusal({ to }: Awaited<ReturnType<typeof listen>>, options: ConnectionOptions): Promise<unknown> {
  const client = tls.connect({ ...to, rejectUnauthorized: false, ...options })
  const [error] = (await once(client, 'error')) as [Error & { code?: string }]
  return error.code
}

t.test('shows the certificate of the domain that a client asks for', async (t) => {
  const acceptor = makeAcceptor()
  const place = await listen(t, acceptor)
  const nameFor = async (servername: string | undefined): Promise<string> =>
    (await converse(place, servername === undefined ? {} : { servername })).name

  t.equal(await nameFor('verona.example'), 'verona')
  t.equal(await nameFor('mantua.example'), 'mantua')
  t.equal(await nameFor('MANTUA.example'), 'mantua')
  t.equal(await nameFor('rooms.mantua.example'), 'mantua', 'and for what is below it')
  t.equal(await nameFor('padua.example'), 'verona', 'the first one for others')
  t.equal(await nameFor(undefined), 'verona', 'and for clients that say nothing')

  place.wanted.domain = 'mantua.example'
  t.equal(await nameFor(undefined), 'mantua', 'unless the stream has told already (RFC 6120 §5.4)')
  t.equal(await nameFor('verona.example'), 'verona')

  acceptor.setCertificate('bücher.example', certificateOf(romeo))
  t.equal(await nameFor('xn--bcher-kva.example'), 'romeo', 'names are in ASCII there')
  acceptor.removeCertificate('bücher.example')
  t.equal(await nameFor('xn--bcher-kva.example'), 'verona')
})

t.test('shows a new certificate to new connections, and leaves others alone', async (t) => {
  const acceptor = makeAcceptor()
  const place = await listen(t, acceptor)
  const before = await converse(place, { servername: 'verona.example' })
  acceptor.setCertificate('verona.example', certificateOf(mantua))
  t.equal((await converse(place, { servername: 'verona.example' })).name, 'mantua')
  t.equal((await converse(place)).name, 'mantua')
  before.client.write('still there')
  t.equal(String((await once(before.client, 'data'))[0]), 'still there')
  t.throws(() => acceptor.setCertificate('verona.example', { ...certificateOf(verona), key: Buffer.from('none') }))
})

t.test('keeps connections apart, over unix sockets too', async (t) => {
  const path = join(tmpdir(), `madrigal-tls-${process.pid}.sock`)
  t.teardown(() => rm(path, { force: true }))
  for (const where of [{ path }, { port: 0, host: '127.0.0.1' }]) {
    const place = await listen(t, makeAcceptor(), where)
    const silent = net.connect(place.to)
    await once(silent, 'connect')
    const all = await Promise.all(Array.from({ length: 8 }, () => converse(place)))
    t.equal(new Set(all.map(({ own }) => own)).size, 8)
    silent.destroy()
    await place.failed
    t.equal(place.failures.length, 1)
  }
})

t.test('is TLS 1.2 or later, as configured for every domain', async (t) => {
  const old = await listen(t, makeAcceptor())
  t.equal((await converse(old, { maxVersion: 'TLSv1.2' })).own.getProtocol(), 'TLSv1.2')
  t.equal((await converse(old)).own.getProtocol(), 'TLSv1.3')
  t.ok(await refusal(old, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }))
  t.ok(await refusal(old, { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:AES256-GCM-SHA384' }), 'no forward secrecy')
  t.ok(
    await refusal(old, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }),
    'no authenticated encryption',
  )

  const strict = await listen(t, makeAcceptor({ minVersion: 'TLSv1.3' }))
  for (const servername of ['verona.example', 'mantua.example', 'padua.example']) {
    t.equal(await refusal(strict, { maxVersion: 'TLSv1.2', servername }), 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
    t.equal((await converse(strict, { servername })).own.getProtocol(), 'TLSv1.3')
  }
})

t.test('is not negotiated again (CVE-2021-32920)', async (t) => {
  const place = await listen(t, makeAcceptor())
  for (const servername of ['verona.example', 'mantua.example']) {
    const { client } = await converse(place, { maxVersion: 'TLSv1.2', servername })
    const again = await new Promise((resolve) => {
      client.once('error', resolve)
      client.renegotiate({}, resolve)
    })
    t.match(again, { code: /RENEGOTIATION/ })
  }
})

t.test('refuses protocols that are none of ours', async (t) => {
  const acceptor = makeAcceptor()
  const place = await listen(t, acceptor)
  t.equal((await converse(place, { ALPNProtocols: ['xmpp-client'] })).own.alpnProtocol, 'xmpp-client')
  t.equal((await converse(place, { ALPNProtocols: ['h2', 'xmpp-client'] })).own.alpnProtocol, 'xmpp-client')
  t.equal((await converse(place)).own.alpnProtocol, false, 'a client need not say')
  t.equal(await refusal(place, { ALPNProtocols: ['http/1.1'] }), 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL')

  const web = await listen(t, acceptor.forWeb())
  t.equal((await converse(web, { ALPNProtocols: ['h2', 'http/1.1'] })).own.alpnProtocol, 'http/1.1')
  t.equal((await converse(web, { servername: 'mantua.example' })).name, 'mantua')
  t.equal(await refusal(web, { ALPNProtocols: ['xmpp-client'] }), 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL')
})

t.test('knows the certificate of a client if somebody vouches for it', async (t) => {
  const acceptor = makeAcceptor()
  acceptor.setCertificate('mantua.example', certificateOf(mantua, romeo))
  const place = await listen(t, acceptor)
  const shown = async ({ pem, keyPem }: MadeCertificate, options: ConnectionOptions) => {
    const { channel } = await converse(place, { cert: pem, key: keyPem, ...options })
    return channel.peerCertificate
  }
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const asked = { servername: 'mantua.example', maxVersion }
    t.same(await shown(romeo, asked), romeo.der)
    t.equal(await shown(iago, asked), undefined, 'not that of a stranger, who gets in all the same')
    t.equal((await converse(place, asked)).channel.peerCertificate, undefined, 'nor none')
  }
  t.equal(await shown(romeo, { servername: 'verona.example' }), undefined, 'nor where nobody vouches')

  const web = await listen(t, acceptor.forWeb())
  const { own } = await converse(web, { servername: 'mantua.example', cert: romeo.pem, key: romeo.keyPem })
  t.equal(own.getPeerX509Certificate(), undefined, 'browsers are never asked')
})

t.test('resumes sessions, with the certificate that was shown', async (t) => {
  const acceptor = makeAcceptor()
  acceptor.setCertificate('mantua.example', certificateOf(mantua, romeo))
  const place = await listen(t, acceptor)
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const servername of ['verona.example', 'mantua.example']) {
      const shown = { cert: romeo.pem, key: romeo.keyPem, maxVersion, servername }
      const sessions: Buffer[] = []
      const client = tls.connect({ ...place.to, rejectUnauthorized: false, ...shown })
      client.on('session', (session) => sessions.push(session))
      await once(client, 'session')
      client.destroy()
      const { own, channel } = await converse(place, { ...shown, session: sessions.at(-1) })
      t.ok(own.isSessionReused(), `${maxVersion} ${servername}`)
      const known = servername === 'mantua.example' ? romeo.der : undefined
      t.same(channel.peerCertificate, known)
    }
  }
})

t.test('tells a login what it can be bound to', async (t) => {
  const place = await listen(t, makeAcceptor())
  const { client, own, channel } = await converse(place, { servername: 'mantua.example' })
  t.equal(channel.protocol, 'TLSv1.3')
  t.same(channel.certificate, mantua.der)
  t.same((await converse(place)).channel.certificate, verona.der)
  const [length, label, context] = [32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)] as const
  t.same(channel.exportKeyingMaterial(length, label, context), client.exportKeyingMaterial(length, label, context))
  own.destroy()
  await once(own, 'close')
  t.equal(channel.exportKeyingMaterial(length, label, context), undefined)
  t.equal(channel.peerCertificate, undefined)
})

t.test('lets go of those who do not speak TLS', async (t) => {
  const place = await listen(t, makeAcceptor())
  for (const said of ['GET / HTTP/1.1\r\n\r\n', '<stream:stream>', '\x16\x03\x01\x00\x05hello', '']) {
    const before = place.failures.length
    const socket = net.connect(place.to)
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.end(said)
    await once(socket.resume(), 'close')
    while (place.failures.length === before) await new Promise(setImmediate)
    t.ok(place.sockets.at(-1)?.destroyed, said)
  }
  const halfWay = net.connect(place.to)
  await once(halfWay, 'connect')
  const own = place.sockets.at(-1)
  own?.destroy()
  await once(
    halfWay.on('error', () => {}),
    'close',
  )
  await new Promise(setImmediate)
  t.equal(place.failures.length, 5, 'also of those that we give up ourselves')
})

t.test('refuses at once what cannot be secured', async (t) => {
  const none = new TlsAcceptor({ minVersion: 'TLSv1.2', requestCertificates: false, protocols: ['xmpp-client'] })
  const place = await listen(t, none)
  const socket = net.connect(place.to)
  await once(socket.on('error', () => {}).resume(), 'close')
  t.match(place.failures, [/no certificate/])

  const gone = new net.Socket()
  gone.destroy()
  await t.rejects(makeAcceptor().secure(gone, undefined), /closed/)
})
