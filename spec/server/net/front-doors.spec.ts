import { once } from 'node:events'
import { link, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import net, { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { addressOf, isLoopback, networkOf, Networks, normalAddress } from '../../../server/net/address.ts'
import { Admission } from '../../../server/net/admission.ts'
import { listen } from '../../../server/net/listeners.ts'
import { FakeClock } from '../../support/fake-clock.ts'

t.test('addresses', async (t) => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1']) t.ok(isLoopback(address), address)
  for (const address of ['128.0.0.1', '12.7.0.0', '::2', 'fe80::1', '']) {
    t.notOk(isLoopback(address), address)
  }
  // A socket that listens on all addresses tells those of IPv4 as if they were IPv6.
  t.equal(addressOf({ remoteAddress: '::ffff:127.0.0.1' }), '127.0.0.1')
  t.equal(addressOf({ remoteAddress: 'fe80::1%eth0' }), 'fe80::1%eth0')
  t.equal(addressOf({ remoteAddress: undefined }), '', 'a Unix socket')

  t.equal(networkOf('192.0.2.1'), '192.0.2.1')
  t.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1')
  t.equal(networkOf('2001:db8:1:2:3::4'), networkOf('2001:db8:1:2::1'), 'a subscriber has a /64')
  t.not(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'))
  t.equal(networkOf('unix'), 'unix')

  t.equal(normalAddress('::ffff:192.0.2.1'), '192.0.2.1')
  t.equal(normalAddress('2001:DB8:0::1'), '2001:db8::1')
  for (const text of ['', 'localhost', '1.2.3', '192.0.2.1:80', '127.1', '0x7f.0.0.1', ' ::1']) {
    t.equal(normalAddress(text), undefined, text)
  }

  const networks = new Networks(['10.0.0.0/8', '192.0.2.7', 'fd00::/8'])
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '192.0.2.7', 'fd12::1']) t.ok(networks.has(address), address)
  for (const address of ['11.0.0.1', '192.0.2.8', 'fe00::1', '', 'localhost']) t.notOk(networks.has(address), address)
  t.throws(() => new Networks(['localhost']))
})

t.test('admission', async (t) => {
  await t.test('lets so many in at once from one address', async (t) => {
    const admission = new Admission({ atOnce: 2, perSecond: 100 }, new FakeClock())
    const first = admission.enter('192.0.2.1')
    t.ok(admission.enter('::ffff:192.0.2.1'))
    t.equal(admission.enter('192.0.2.1'), undefined)
    t.ok(admission.enter('192.0.2.2'), 'others are not concerned')
    first?.[Symbol.dispose]()
    t.ok(admission.enter('192.0.2.1'))
  })
  await t.test('and so many a second', async (t) => {
    const clock = new FakeClock()
    const admission = new Admission({ atOnce: 100, perSecond: 3 }, clock)
    for (let i = 0; i < 3; i++) admission.enter('192.0.2.1')?.[Symbol.dispose]()
    t.equal(admission.enter('192.0.2.1'), undefined)
    clock.advance(334)
    t.ok(admission.enter('192.0.2.1'))
    t.equal(admission.enter('192.0.2.1'), undefined)
  })
  await t.test('forgets those who are gone, and nobody who is here', async (t) => {
    const admission = new Admission({ atOnce: 1, perSecond: 1 }, new FakeClock())
    const addressOf = (i: number): string => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
    const places = Array.from({ length: 15_000 }, (_, i) => admission.enter(addressOf(i)))
    t.ok(places.every((place) => place !== undefined))
    t.equal(admission.enter(addressOf(14_999)), undefined)
    for (const place of places) place?.[Symbol.dispose]()
    for (let i = 0; i < 20_000; i++) admission.enter(addressOf(100_000 + i))?.[Symbol.dispose]()
    t.ok(admission.enter(addressOf(0)))
  })
})

t.test('listening', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'madrigal-listen-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'c2s.sock')
  const ignore = (): void => {}

  await t.test('on a port that is free, and not on one that is taken', async (t) => {
    const port = { host: '127.0.0.1', port: 0 }
    using first = await listen(port, 'listen: c2s', (socket) => socket.end('hello'))
    const socket = net.connect(first.port ?? 0)
    t.equal(String((await once(socket, 'data'))[0]), 'hello')
    socket.destroy()
    const taken = { host: '127.0.0.1', port: first.port ?? 0 }
    await t.rejects(listen(taken, 'listen: c2s', ignore), /127.0.0.1:\d+ is taken by another program.*listen: c2s/)
    await t.rejects(listen({ host: '192.0.2.1', port: 0 }, 'listen: c2s', ignore), /has no address 192.0.2.1:0/)
  })

  await t.test('on a socket, in the place of one that a killed process has left', async (t) => {
    const killed = createServer().listen(path)
    await once(killed, 'listening')
    // Closing removes the file, which being killed does not.
    await link(path, `${path}.kept`)
    await new Promise((resolve) => killed.close(resolve))
    await link(`${path}.kept`, path)
    using listening = await listen({ path }, 'listen: c2s', (socket) => socket.end('hello'))
    t.equal(listening.address, `unix:${path}`)
    const socket = net.connect(path)
    t.equal(String((await once(socket, 'data'))[0]), 'hello')
  })

  await t.test('but in the place of nothing else', async (t) => {
    using _ = await listen({ path }, 'listen: c2s', ignore)
    await t.rejects(listen({ path }, 'listen: c2s', ignore), /is used by another program/)
    t.ok((await stat(path)).isSocket(), 'which goes on')
    const precious = join(folder, 'precious')
    await writeFile(precious, 'text')
    await t.rejects(listen({ path: precious }, 'listen: c2s', ignore), /is no socket/)
    t.equal(String(await readFile(precious)), 'text')
  })
})
