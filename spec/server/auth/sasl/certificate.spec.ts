import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import fc from 'fast-check'
import t from 'tap'
import { signatureHash, xmppAddresses } from '../../../../server/auth/sasl/certificate.ts'
import { bindingTypes, channelBinding, type TlsChannel } from '../../../../server/auth/sasl/channel-binding.ts'
import { derElements } from '../../../../server/auth/sasl/der.ts'
import { external } from '../../../../server/auth/sasl/external.ts'
import {
  dnsName,
  makeCertificate,
  otherName,
  subjectAltName,
  tlv,
  utf8,
  xmppAddr,
  type Signature,
} from './make-certificate.ts'
import { HOST, verdict, world } from './world.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

/** A connection of which nothing is known any more. */
const GONE = { certificate: undefined, finished: undefined, exportKeyingMaterial: () => undefined }

t.test('reads the addresses of a certificate as they are, and nothing else', (t) => {
  const names = [xmppAddr(`juliet@${HOST}`), dnsName(HOST), xmppAddr('ромео@mantua.example')]
  const { der, pem } = makeCertificate(names, { commonName: `tybalt@${HOST}` })
  const read = new X509Certificate(pem)
  t.match(read.subjectAltName, `juliet@${HOST}`, 'it is a certificate for others too')
  t.ok(read.verify(read.publicKey))
  t.same(xmppAddresses(der), [`juliet@${HOST}`, 'ромео@mantua.example'])

  const cases: [string, Buffer[], string[]][] = [
    ['none', [dnsName(HOST)], []],
    ['a name that imitates the text of another', [dnsName(`x, othername:XmppAddr:juliet@${HOST}`)], []],
    ['a NUL stays one', [xmppAddr(`juliet@${HOST}\0.evil.example`)], [`juliet@${HOST}\0.evil.example`]],
    ['another kind of other name', [otherName('1.3.6.1.4.1.311.20.2.3', utf8(`juliet@${HOST}`))], []],
    ['another kind of text', [otherName('1.3.6.1.5.5.7.8.5', tlv(0x16, Buffer.from(`juliet@${HOST}`)))], []],
    ['no UTF-8', [otherName('1.3.6.1.5.5.7.8.5', tlv(0x0c, Buffer.from([0xff])))], []],
  ]
  for (const [name, given, expected] of cases) t.same(xmppAddresses(makeCertificate(given).der), expected, name)

  const san = subjectAltName([xmppAddr('a@b.example')])
  const extensions = (...list: Buffer[]): Buffer => makeCertificate([], { extensions: list }).der
  t.same(xmppAddresses(extensions(subjectAltName([xmppAddr('a@b.example')], { critical: true }))), ['a@b.example'])
  t.same(xmppAddresses(extensions(san, san)), [], 'twice is as good as never')
  t.same(xmppAddresses(extensions()), [])
  const many = makeCertificate(Array.from({ length: 150 }, (_, i) => xmppAddr(`a${i}@b.example`))).der
  t.equal(xmppAddresses(many).length, 100)
  t.end()
})

t.test('any bytes are read or not, but do no harm', (t) => {
  t.comment(`seed ${seed}`)
  const { der } = makeCertificate([xmppAddr('a@b.example')])
  for (let length = 0; length < der.length; length++) {
    const cut = der.subarray(0, length)
    if (xmppAddresses(cut).length > 0 || signatureHash(cut) !== undefined) t.fail(`cut after ${length}`)
  }
  for (const more of [[0], [5, 0]])
    t.same(xmppAddresses(Buffer.concat([der, Buffer.from(more)])), [], 'nothing follows')
  fc.assert(
    fc.property(fc.nat({ max: der.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
      const changed = Buffer.from(der)
      changed[at] = byte
      return Array.isArray(xmppAddresses(changed)) && signatureHash(changed) !== ''
    }),
    { seed, numRuns: 1000 },
  )
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const elements = derElements(Buffer.from(bytes)) ?? []
      return elements.reduce((sum, { content }) => sum + content.length + 2, 0) <= bytes.length
    }),
    { seed, numRuns: 1000 },
  )
  for (const bad of ['30', '3080', '3085000000000', '1f0100', '308400000001', '3001']) {
    t.equal(derElements(Buffer.from(bad, 'hex')), undefined, bad)
  }
  t.end()
})

t.test('the hash of tls-server-end-point follows the signature of the certificate (RFC 5929 §4.1)', (t) => {
  const hashes: [Signature, string | undefined][] = [
    ['ecdsa-sha1', 'sha256'],
    ['ecdsa-sha256', 'sha256'],
    ['ecdsa-sha384', 'sha384'],
    ['rsa-sha1', 'sha256'],
    ['rsa-sha256', 'sha256'],
    ['rsa-sha512', 'sha512'],
    ['rsa-pss-sha384', 'sha384'],
    ['ed25519', undefined],
  ]
  for (const [signature, hash] of hashes) {
    const { der } = makeCertificate([dnsName(HOST)], { signature })
    t.equal(signatureHash(der), hash, signature)
    const channel: TlsChannel = { ...GONE, protocol: 'TLSv1.2', certificate: der }
    t.same(bindingTypes(channel), hash === undefined ? [] : ['tls-server-end-point'])
    const expected = hash && createHash(hash).update(der).digest()
    t.same(channelBinding(channel, 'tls-server-end-point'), expected)
    t.equal(channelBinding(channel, 'tls-exporter'), undefined, 'not before TLS 1.3')
  }
  const bare: TlsChannel = { ...GONE, protocol: 'TLSv1.3' }
  t.same(bindingTypes(bare), ['tls-exporter'])
  t.equal(channelBinding(bare, 'tls-unique'), undefined)
  t.equal(channelBinding(bare, 'tls-exporter'), undefined, 'the connection is gone')
  t.equal(channelBinding(bare, 'tls-server-end-point'), undefined)
  t.end()
})

t.test('both ends of a TLS connection agree, and its client is whom its certificate names', async (t) => {
  const own = makeCertificate([dnsName(HOST)], { signature: 'ecdsa-sha384' })
  const client = makeCertificate([xmppAddr(`Juliet@${HOST}`)])
  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
    const server = createServer({
      key: own.keyPem,
      cert: own.pem,
      ca: client.pem,
      requestCert: true,
      rejectUnauthorized: false,
      maxVersion,
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    // It listens on a port, so that its address is one.
    const { port } = server.address() as AddressInfo
    const near = connect({
      port,
      host: '127.0.0.1',
      ca: own.pem,
      servername: HOST,
      key: client.keyPem,
      cert: client.pem,
    })
    const [[far]] = (await Promise.all([once(server, 'secureConnection'), once(near, 'secureConnect')])) as [
      [TLSSocket],
      unknown,
    ]

    const channel: TlsChannel = {
      protocol: far.getProtocol() ?? '',
      certificate: far.getX509Certificate()?.raw,
      finished: far.getPeerFinished(),
      exportKeyingMaterial: (length, label, context) => far.exportKeyingMaterial(length, label, context),
    }
    const exported = near.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
    const shown = near.getPeerX509Certificate()?.raw ?? Buffer.alloc(0)
    t.same(channelBinding(channel, 'tls-exporter'), maxVersion === 'TLSv1.3' ? exported : undefined)
    t.same(channelBinding(channel, 'tls-server-end-point'), createHash('sha384').update(shown).digest())

    t.same(channelBinding(channel, 'tls-unique'), near.getFinished(), 'also on TLS 1.3, for clients that know no other')
    t.notOk(bindingTypes(channel).includes('tls-unique'), 'and never announced')

    const certificate = far.getPeerX509Certificate()?.raw
    t.ok(far.authorized)
    const { context } = await world(certificate === undefined ? {} : { peerCertificate: certificate })
    t.equal(await verdict(() => external.start(context).step(Buffer.alloc(0))), 'success juliet')
    near.destroy()
    far.destroy()
    server.close()
    await once(server, 'close')
  }
})
