/**
 * What telling the subscribers of a node costs, each of them: `node scripts/bench/pubsub.ts`. No wires, no disk: a
 * publication goes from its client to those of a thousand subscribers, and what each of them gets is written.
 */
import { AccountWorld, type Person } from '../../spec/support/account-world.ts'

const SUBSCRIBERS = 1000
const ROUNDS = 50
const NODE = 'urn:example:news'
const entry = `<entry xmlns='http://www.w3.org/2005/Atom'><title type='text'>hanging out at the Café Napolitano</title><id>tag:montague.lit,2008-05-08:posts-1cb57d9c-1c46-11dd-838c-001143d5d5db</id><published>2008-05-08T18:30:02Z</published><updated>2008-05-08T18:30:02Z</updated></entry>`

const field = (name: string, value: string): string => `<field var='pubsub#${name}'><value>${value}</value></field>`
const options = `<publish-options><x xmlns='jabber:x:data' type='submit'>${field('access_model', 'open')}</x></publish-options>`
const publication = `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='${NODE}'><item id='1'>${entry}</item></publish>${options}</pubsub>`

await using world = await AccountWorld.open()
const romeo = await world.client('romeo@localhost/orchard')
const told: Person[] = []
await romeo.ask('set', publication)
for (let i = 0; i < SUBSCRIBERS; i++) {
  const person = await world.client(`u${i}@localhost/r`)
  const jid = person.jid.bare
  await person.say(
    `<iq type='set' id='s' to='romeo@localhost'><pubsub xmlns='http://jabber.org/protocol/pubsub'><subscribe node='${NODE}' jid='${jid}'/></pubsub></iq>`,
  )
  person.take()
  told.push(person)
}

await publish(ROUNDS)
const before = process.cpuUsage()
const bytes = await publish(ROUNDS)
const { user, system } = process.cpuUsage(before)
const each = (user + system) / (ROUNDS * SUBSCRIBERS)
console.log(`a notification of ${bytes} bytes to one of ${SUBSCRIBERS} subscribers: ${each.toFixed(2)} µs`)

/** Gives the size of a notification. */
async function publish(times: number): Promise<number> {
  let size = 0
  for (let i = 0; i < times; i++) {
    await romeo.ask('set', publication)
    for (const person of told) {
      const [stanza, another] = person.take()
      if (stanza === undefined || another !== undefined) throw new Error('not everybody was told once')
      size = Buffer.byteLength(stanza.toString())
    }
  }
  return size
}
