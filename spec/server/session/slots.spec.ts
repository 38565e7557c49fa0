import t from 'tap'
import { SlotRegistry } from '../../../server/session/slots.ts'

t.test('a value is made once per bearer, and found again by the name of its place', (t) => {
  const registry = new SlotRegistry()
  const count = registry.slot('count', () => ({ n: 0 }))
  const other = registry.slot('other', () => ({ n: 100 }))
  const [romeo, juliet] = [{ slots: [] }, { slots: [] }]
  count(romeo).n++
  other(romeo).n++
  // As after a reload of the module.
  const again = registry.slot('count', () => ({ n: -1 }))
  t.equal(again(romeo).n, 1)
  t.equal(again(juliet).n, -1)
  t.equal(other(romeo).n, 101)
  t.end()
})
