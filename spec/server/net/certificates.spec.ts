import { X509Certificate } from 'node:crypto'
import { mkdir, mkdtemp, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { CertificateKeeper } from '../../../server/certificate-keeper.ts'
import { loadConfig } from '../../../server/config/config.ts'
import type { Log, LogFields } from '../../../server/log/log.ts'
import type { Certificate } from '../../../server/stream/tls-identities.ts'
import { dnsName, makeCertificate, type MadeCertificate } from '../auth/sasl/make-certificate.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const verona = makeCertificate([dnsName('verona.example'), dnsName('*.verona.example')], { commonName: 'verona' })
const renewed = makeCertificate([dnsName('verona.example')], { commonName: 'renewed' })
const mantua = makeCertificate([dnsName('mantua.example')], { commonName: 'mantua' })

const AUTHORITIES = ', client_authorities: authorities.pem'

async function setup(t: Test) {
  const folder = await mkdtemp(join(tmpdir(), 'madrigal-certificates-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const clock = new FakeClock()
  clock.leap(Date.now())
  const said: { readonly phrase: string; readonly fields: LogFields | undefined }[] = []
  const say = (phrase: string, fields?: LogFields): void => void said.push({ phrase, fields })
  const log: Log = { debug: say, info: say, warn: say, error: say, child: () => log }
  /** What is shown, by domain, and how often it was set. */
  const shown = new Map<string, Certificate>()
  const counts = new Map<string, number>()
  const keeper = new CertificateKeeper(
    {
      setCertificate: (domain, certificate) => {
        shown.set(domain, certificate)
        counts.set(domain, (counts.get(domain) ?? 0) + 1)
      },
      removeCertificate: (domain) => void shown.delete(domain),
    },
    log,
    clock,
  )
  t.teardown(() => keeper.stop())
  const configOf = (hosts: string, more = '') => {
    const text = `tls: { certificates: ${JSON.stringify(folder)}${more} }\nhosts: ${hosts}`
    const checked = loadConfig({ file: join(folder, 'madrigal.yaml'), text, modules: [], components: ['muc'] })
    if ('problems' in checked) throw new Error(checked.problems.map(({ message }) => message).join())
    return checked.ok
  }
  const write = async (name: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  const writePair = async (name: string, { pem, keyPem }: MadeCertificate): Promise<void> => {
    await write(`${name}.crt`, pem)
    await write(`${name}.key`, keyPem)
  }
  const nameOf = (domain: string): string | undefined => {
    const certificate = shown.get(domain)
    return certificate && new X509Certificate(certificate.cert).subject.replace('CN=', '')
  }
  /** Lets a minute pass and waits until all files were looked at. */
  const look = async (milliseconds = 60_000): Promise<void> => {
    clock.leap(milliseconds)
    // Another look waits for those that are under way.
    await keeper.start(current.config)
  }
  const current = { config: configOf('{ localhost: {} }') }
  const start = async (config: ReturnType<typeof configOf>): Promise<void> => {
    current.config = config
    await keeper.start(config)
  }
  const takeSaid = (): readonly string[] => said.splice(0).map(({ phrase }) => phrase)
  return { folder, keeper, shown, counts, configOf, write, writePair, nameOf, look, start, takeSaid, clock }
}

t.test('finds the certificates of hosts as others leave them', async (t) => {
  const { start, configOf, write, writePair, nameOf, takeSaid } = await setup(t)
  await write('verona.example/fullchain.pem', verona.pem)
  await write('verona.example/privkey.pem', verona.keyPem)
  await writePair('mantua.example', mantua)
  await start(configOf('{ verona.example: {}, rooms.verona.example: { is: muc }, mantua.example: {} }'))
  t.equal(nameOf('verona.example'), 'verona')
  t.equal(nameOf('rooms.verona.example'), 'verona', 'that of the domain above')
  t.equal(nameOf('mantua.example'), 'mantua')
  t.same(takeSaid(), [])
})

t.test('takes those that the configuration names, and says what will trouble clients', async (t) => {
  const { start, configOf, writePair, nameOf, takeSaid, clock } = await setup(t)
  await writePair('own', verona)
  const hosts = '{ mantua.example: { tls: { certificate: own.crt, key: own.key } } }'
  await start(configOf(hosts))
  t.equal(nameOf('mantua.example'), 'verona')
  t.same(takeSaid(), ['certificate is for another domain'])
  clock.leap(360 * 86_400_000)
  await start(configOf(hosts))
  t.match(takeSaid(), ['certificate is for another domain', 'certificate expires soon'])
  clock.leap(10 * 86_400_000)
  await start(configOf(hosts))
  t.match(takeSaid(), ['certificate is for another domain', 'certificate has expired'])
})

t.test('does not start with what cannot be used', async (t) => {
  const { start, configOf } = await setup(t)
  const hosts = '{ verona.example: { tls: { certificate: own.crt, key: own.key } } }'
  await t.rejects(start(configOf(hosts)), { name: 'CertificateError', message: /cannot read .*own.crt/ })
  for (const [certificate, key, problem] of [
    ['no PEM', verona.keyPem, /own.crt is not in PEM format/],
    [verona.pem, 'no PEM', /own.key is not in PEM format/],
    [verona.pem, mantua.keyPem, /own.key is not the key of .*own.crt/],
  ] as const) {
    const fresh = await setup(t)
    await fresh.write('own.crt', certificate)
    await fresh.write('own.key', key)
    await t.rejects(fresh.start(fresh.configOf(hosts)), { name: 'CertificateError', message: problem })
  }
  const another = await setup(t)
  await another.writePair('own', verona)
  await another.write('authorities.pem', 'none')
  await t.rejects(another.start(another.configOf(hosts, AUTHORITIES)), /has no certificate in PEM format/)
})

t.test('looks whether files have changed', async (t) => {
  const { start, configOf, writePair, write, nameOf, look, takeSaid, counts } = await setup(t)
  await writePair('verona.example', verona)
  await writePair('mantua.example', mantua)
  await start(configOf('{ verona.example: {}, mantua.example: {} }'))
  await look()
  t.same([...counts.values()], [1, 1], 'nothing is read twice')
  await writePair('verona.example', renewed)
  await look()
  t.equal(nameOf('verona.example'), 'renewed')
  t.same(takeSaid(), ['certificate reloaded'])

  await write('verona.example.crt', 'half a certif')
  await look()
  t.equal(nameOf('verona.example'), 'renewed', 'what cannot be used is not used')
  t.same(takeSaid().slice(0, 1), ['certificate cannot be used'])
  await write('verona.example.crt', verona.pem)
  await look()
  t.equal(nameOf('verona.example'), 'renewed', 'nor one without its key')
  await write('verona.example.key', verona.keyPem)
  await look()
  t.equal(nameOf('verona.example'), 'verona')
  t.equal(counts.get('mantua.example'), 1)
})

t.test('renews the keys of sessions each day', async (t) => {
  const { start, configOf, writePair, look, counts, takeSaid } = await setup(t)
  await writePair('verona.example', verona)
  await start(configOf('{ verona.example: {} }'))
  await look(86_399_000)
  t.equal(counts.get('verona.example'), 1)
  await look(1_000)
  t.equal(counts.get('verona.example'), 2)
  t.same(takeSaid(), [], 'which is nothing to talk about')
})

t.test('follows the configuration', async (t) => {
  const { start, configOf, writePair, nameOf, takeSaid, shown } = await setup(t)
  await writePair('verona.example', verona)
  await writePair('mantua.example', mantua)
  await start(configOf('{ verona.example: {} }'))
  await start(configOf('{ mantua.example: {} }'))
  t.same([...shown.keys()], ['mantua.example'])
  await start(configOf('{ mantua.example: { tls: { certificate: verona.example.crt, key: mantua.example.key } } }'))
  t.equal(nameOf('mantua.example'), 'mantua', 'but not so far that it would have none')
  t.same(takeSaid(), ['certificate cannot be used'])
})

t.test('reads who vouches for clients', async (t) => {
  const { start, configOf, writePair, write, shown, look, counts } = await setup(t)
  await writePair('verona.example', verona)
  await write('authorities.pem', `# ours\n${mantua.pem}${renewed.pem}`)
  await start(configOf('{ verona.example: {} }', AUTHORITIES))
  t.match(String(shown.get('verona.example')?.clientAuthorities), mantua.pem)
  await write('authorities.pem', renewed.pem)
  await look()
  t.equal(counts.get('verona.example'), 2)
  t.equal(String(shown.get('verona.example')?.clientAuthorities), renewed.pem)
})

t.test('makes one certificate for all that have none', async (t) => {
  const { start, configOf, shown, takeSaid, folder, look } = await setup(t)
  await start(configOf('{ localhost: {}, bücher.example: {} }'))
  t.same(takeSaid(), ['no certificate found: made one that signs itself'])
  const names = (domain: string): string | undefined =>
    new X509Certificate(shown.get(domain)?.cert ?? '').subjectAltName
  t.equal(names('localhost'), 'DNS:localhost, DNS:xn--bcher-kva.example')
  t.equal(names('bücher.example'), names('localhost'))
  t.equal((await stat(join(folder, 'self-signed.key'))).mode & 0o777, 0o600)
  await look()
  t.same(takeSaid(), [])
  await start(configOf('{ localhost: {}, padua.example: {} }'))
  t.match(names('padua.example'), /padua/, 'anew for another domain')
  await unlink(join(folder, 'self-signed.key'))
  await look()
  const made = takeSaid().filter((phrase) => phrase.startsWith('no certificate found'))
  t.equal(made.length, 2, 'and where the key is lost')
})
