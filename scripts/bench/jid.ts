/** How long it takes to read addresses: known, new, and beyond ASCII: `node scripts/bench/jid.ts`. */
import { prepareDomain } from '../../server/jid/domain.ts'
import { Jid, JidCache } from '../../server/jid/jid.ts'
import { nodeprep, resourceprep } from '../../server/jid/prepare.ts'
import { own } from '../../server/util/own.ts'

const COUNT = 5000
const ROUNDS = 60

const plain = addresses((index) => `juliet${index}@capulet.example/balcony`)
const capitals = addresses((index) => `Juliet${index}@Capulet.example/balcony`)
const latin = addresses((index) => `jülïet${index}@capulet.example/balcony`)
const cyrillic = addresses((index) => `Джульетта${index}@капулетти.example/балкон 😀`)
const malformed = addresses((index) => `juliet ${index}@capulet.example/balcony`)

const cache = new JidCache()
const jids = plain.map((text) => cache.parse(text))

measure('known, the same string', plain, (text) => cache.parse(text))
measure(
  'known, a new string each time',
  () => fresh(plain),
  (text) => cache.parse(text),
)
measure('new, ASCII', plain, (text) => Jid.parse(text))
measure('new, ASCII with capitals', capitals, (text) => Jid.parse(text))
measure('new, Latin', latin, (text) => Jid.parse(text))
measure('new, Cyrillic with an emoji', cyrillic, (text) => Jid.parse(text))
measure('malformed, tried', malformed, (text) => Jid.tryParse(text))
measure('toBare', jids, (jid) => jid.toBare())
measure('  nodeprep, ASCII', plain, () => nodeprep('juliet'))
measure('  prepareDomain, ASCII', plain, () => prepareDomain('capulet.example'))
measure('  resourceprep, ASCII', plain, () => resourceprep('balcony'))
measure('  own', plain, (text) => own(text))

function addresses(make: (index: number) => string): readonly string[] {
  return Array.from({ length: COUNT }, (_, index) => own(make(index)))
}

/** The same texts, as strings that were cut from what came over the network: their hashes are not known. */
function fresh(texts: readonly string[]): string[] {
  const chunk = Buffer.from(texts.join('')).toString()
  let at = 0
  return texts.map(({ length }) => chunk.slice(at, (at += length)))
}

/** Prints the best of some rounds: the machine is shared. */
function measure<T>(name: string, inputs: readonly T[] | (() => readonly T[]), run: (input: T) => unknown): void {
  const times = Array.from({ length: ROUNDS }, () => {
    const round = typeof inputs === 'function' ? inputs() : inputs
    const started = process.hrtime.bigint()
    for (const input of round) run(input)
    return Number(process.hrtime.bigint() - started) / round.length
  })
  console.log(
    `${name.padEnd(32)} ${Math.min(...times)
      .toFixed(0)
      .padStart(6)} ns`,
  )
}
