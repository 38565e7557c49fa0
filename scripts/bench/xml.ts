/** How long stanzas take through the scanner and out again: `node scripts/bench/xml.ts`. */
import { Broadcast } from '../../server/xml/broadcast.ts'
import { clientLimits } from '../../server/xml/limits.ts'
import { Scanner } from '../../server/xml/scanner.ts'
import { Stanza } from '../../server/xml/stanza.ts'

const STANZAS = 50_000
const CHUNK_BYTES = 65_536
const HEADER = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
const FROM = 'romeo@example.net/orchard'

const chat = `<message to='juliet@example.com/balcony' id='f2c3a1' type='chat' xml:lang='en'><body>Art thou not Romeo, &amp; a Montague? Neither, fair saint, if either thee dislike.</body><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/><origin-id xmlns='urn:xmpp:sid:0' id='f2c3a1'/></message>`
const key = 'MwohBRpVV6Dzbw2aGbDnIoqf9sGBcbjvJWmRNWkzcFhUKK4yEiEFlbY'.repeat(3)
const keys = Array.from({ length: 8 }, (_, i) => `<key rid='${31415 + i}'>${key}</key>`).join('')
const omemo = `<message to='juliet@example.com' id='a1' type='chat'><encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='27183'>${keys}<iv>AAAAAAAAAAAAAAAA</iv></header><payload>${key}</payload></encrypted><encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl' name='OMEMO'/><store xmlns='urn:xmpp:hints'/><body>I sent you an OMEMO encrypted message</body></message>`
const presence = `<presence to='room@muc.example.com/nick'><show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://conversations.im' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/><x xmlns='vcard-temp:x:update'><photo>sha1hash</photo></x></presence>`
const prefixed = chat.replaceAll("<active xmlns='", "<s:active xmlns:s='")

for (const [name, stanza] of Object.entries({
  chat,
  'chat, not ASCII': chat.replace('fair', 'schöne €'),
  'chat, with a prefix': prefixed,
  omemo,
  presence,
})) {
  const bytes = Buffer.from(stanza)
  console.log(`${name}, ${bytes.length} bytes`)
  const perChunk = Math.floor(CHUNK_BYTES / bytes.length)
  const full = Buffer.from(stanza.repeat(perChunk))
  for (const [way, chunk, count] of [
    [`${perChunk} a chunk`, full, perChunk],
    ['1 a chunk', bytes, 1],
  ] as const) {
    measure(
      `  scan, ${way}`,
      STANZAS,
      reading(chunk, count, () => {}),
    )
    measure(
      `  scan, with from, write, ${way}`,
      STANZAS,
      reading(chunk, count, (read) => Buffer.byteLength(read.with({ from: FROM }).toString())),
    )
  }
}

const occupants = Array.from({ length: 1000 }, (_, i) => `user${i}@example.com/resource${i}`)
const message = Stanza.parse(chat)
console.log('to an occupant of a room of 1000')
measure('  with to, write', 100 * occupants.length, () => {
  for (let i = 0; i < 100; i++) for (const to of occupants) Buffer.byteLength(message.with({ to }).toString())
})
measure('  Broadcast', 100 * occupants.length, () => {
  for (let i = 0; i < 100; i++) {
    const broadcast = new Broadcast(message)
    for (const to of occupants) Buffer.byteLength(broadcast.for(to).toString())
  }
})

function reading(chunk: Buffer, perChunk: number, onStanza: (stanza: Stanza) => void): () => void {
  return () => {
    const nothing = (): void => {}
    const listener = { onOpen: nothing, onStanza, onNonza: nothing, onClose: nothing }
    const scanner = new Scanner(listener, { framing: 'stream', limits: clientLimits })
    scanner.write(Buffer.from(HEADER))
    for (let i = 0; i < STANZAS; i += perChunk) scanner.write(chunk)
  }
}

/** Prints the best of some rounds: the machine is shared. */
function measure(name: string, items: number, run: () => void): void {
  const times = Array.from({ length: 6 }, () => {
    const started = process.hrtime.bigint()
    run()
    return Number(process.hrtime.bigint() - started) / items / 1000
  })
  const best = Math.min(...times.slice(1))
  console.log(`${name.padEnd(40)} ${best.toFixed(2).padStart(6)} µs ${(1000 / best).toFixed(0).padStart(6)} k/s`)
}
