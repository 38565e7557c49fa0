/** What becomes of messages while storage is slow, full or gone: refused or delivered, never lost without a word. */
import t, { type Test } from 'tap'
import { Storage } from '../storage/storage.ts'
import { FaultyDriver, type Health, SLOW_MILLISECONDS } from './support/faulty-driver.ts'
import { type OwnServer, startOwnServer } from './support/own-server.ts'
import { Wire } from './support/wire.ts'

const SM = 'urn:xmpp:sm:3'

interface House {
  readonly server: OwnServer
  readonly driver: FaultyDriver
  readonly complaints: readonly string[]
}

/** Romeo is connected and acknowledges; Juliet has never been here. */
async function withHouse(t: Test, use: (house: House, romeo: Wire) => Promise<void>): Promise<void> {
  const driver = new FaultyDriver()
  const complaints: string[] = []
  const log = { write: (line: string): void => void complaints.push(line) }
  await using server = await startOwnServer({ storage: Storage.on(driver), config: 'hosts: { localhost: {} }', log })
  for (const node of ['romeo', 'juliet', 'nurse']) await server.accounts('localhost').create(node, 'secret')
  const romeo = new Wire(server.ports.c2s)
  t.teardown(() => romeo.drop())
  await romeo.enter('romeo', 'secret', 'orchard')
  await romeo.manage()
  romeo.write(`<presence/>`)
  await use({ server, driver, complaints }, romeo)
  driver.health = 'well'
}

const chat = (id: string, to: string): string =>
  `<message to='${to}@localhost' type='chat' id='${id}'><body>${id}</body></message>`

async function enter({ server }: House, node: string): Promise<Wire> {
  const wire = new Wire(server.ports.c2s)
  await wire.enter(node, 'secret', 'balcony')
  wire.write('<presence/>')
  return wire
}

async function ping(wire: Wire): Promise<string> {
  wire.write(`<iq type='get' id='ping'><ping xmlns='urn:xmpp:ping'/></iq>`)
  return wire.until(/id='ping'[^>]*>/)
}

const conditions: readonly (readonly [Health, RegExp])[] = [
  ['full', /type='wait'><internal-server-error/],
  ['overloaded', /type='wait'><resource-constraint/],
  ['gone', /type='wait'><internal-server-error/],
]

for (const [health, refusal] of conditions) {
  t.test(`storage is ${health}`, (t) =>
    withHouse(t, async (house, romeo) => {
      const { driver, complaints } = house
      const nurse = await enter(house, 'nurse')
      await ping(nurse)

      driver.health = health
      romeo.write(chat('refused', 'juliet'))
      t.match(await romeo.until(/id='refused'[^]*?<\/message>/), refusal, 'nobody could keep it: its sender knows')
      romeo.write(chat('delivered', 'nurse'))
      t.match(await nurse.until(/id='delivered'[^]*?<\/message>/), /<body>delivered/, 'whoever is there gets it')
      romeo.write(`<r xmlns='${SM}'/>`)
      await romeo.until(/<a [^>]*h='3'/)
      for (let n = 0; n < 50; n++) romeo.write(chat(`refused${n}`, 'juliet'))
      await romeo.until(/id='refused49'[^]*?<\/message>/)
      t.ok(complaints.length > 0 && complaints.length < 8, `the log says so, ${complaints.length} times`)

      driver.health = 'well'
      romeo.write(chat('kept', 'juliet'))
      await ping(romeo)
      const juliet = await enter(house, 'juliet')
      t.match(await juliet.until(/id='kept'[^]*?<\/message>/), /<body>kept/, 'it goes on by itself')
      await ping(juliet)
      t.notMatch(juliet.rest, /<message/)
      for (const wire of [nurse, juliet]) wire.drop()
    }),
  )
}

t.test('storage is slow: acknowledgements wait, and nothing else does', (t) =>
  withHouse(t, async (house, romeo) => {
    const nurse = await enter(house, 'nurse')
    await ping(nurse)
    house.driver.health = 'slow'
    const began = performance.now()
    const seconds = (): number => (performance.now() - began) / 1000
    romeo.write(`${chat('one', 'nurse')}${chat('two', 'juliet')}${chat('three', 'nurse')}<r xmlns='${SM}'/>`)
    await nurse.until(/id='three'[^]*?<\/message>/)
    await ping(romeo)
    t.ok(seconds() < SLOW_MILLISECONDS / 1000 - 0.1, `delivered after ${seconds()} s, also behind what is to be kept`)
    t.notMatch(romeo.rest, /<a /)
    await romeo.until(/<a [^>]*h='[45]'/)
    t.ok(seconds() >= SLOW_MILLISECONDS / 1000 - 0.02, `acknowledged after ${seconds()} s`)
    nurse.drop()
  }),
)

t.test('storage is gone: whoever comes is told to come later, and requests are refused', (t) =>
  withHouse(t, async ({ server, driver }, romeo) => {
    driver.health = 'gone'
    const late = new Wire(server.ports.c2s)
    await late.open()
    const plain = Buffer.from(`\0nobody\0secret`).toString('base64')
    late.write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`)
    t.match(await late.until(/<\/failure>/), /temporary-auth-failure/)
    late.drop()
    romeo.write(`<iq type='get' id='v' to='juliet@localhost'><vCard xmlns='vcard-temp'/></iq>`)
    t.match(await romeo.until(/id='v'[^]*?<\/iq>/), /type='wait'><internal-server-error/)
    await ping(romeo)
  }),
)
