import t from 'tap'
import { Listeners } from '../../../modules/mod_pep/listeners.ts'
import { Jid } from '../../../server/jid/jid.ts'

const orchard = Jid.parse('romeo@montague.example/orchard')
const phone = Jid.parse('romeo@montague.example/phone')

t.test('what is new is what was not wanted before', async (t) => {
  const listeners = new Listeners()
  const set = (...wanted: string[]): readonly string[] => [...listeners.set('juliet', orchard, new Set(wanted))]
  t.strictSame(set('a', 'b'), ['a', 'b'])
  t.strictSame(set('b', 'c'), ['c'])
  t.strictSame(set('b', 'c'), [])
  t.strictSame(set(), [])
  t.strictSame(set('c'), ['c'], 'who has wanted nothing in between begins anew')
})

t.test('clients come and go one by one, or all at once', async (t) => {
  const listeners = new Listeners()
  const all = (): readonly string[] => [...listeners.of('juliet')].map(({ jid }) => jid.full)
  const both = (): void => {
    for (const jid of [orchard, phone]) listeners.set('juliet', jid, new Set(['a']))
  }
  both()
  listeners.remove('juliet', orchard)
  t.strictSame(all(), [phone.full])
  both()
  listeners.remove('juliet', orchard.toBare())
  t.strictSame(all(), [])
  both()
  listeners.remove('nurse', orchard)
  t.equal(all().length, 2, 'those of one account are not those of another')
  listeners.clear('juliet')
  t.strictSame(all(), [])
})

t.test('an account has so many listeners', async (t) => {
  const listeners = new Listeners()
  for (let n = 0; n < 5001; n++) listeners.set('juliet', Jid.parse(`r${n}@montague.example/x`), new Set(['a']))
  t.equal([...listeners.of('juliet')].length, 5000)
  t.strictSame(
    [...listeners.set('juliet', Jid.parse('r0@montague.example/x'), new Set(['b']))],
    ['b'],
    'those there are may change',
  )
})
