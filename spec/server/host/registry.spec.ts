import t from 'tap'
import { Registry } from '../../../server/host/registry.ts'

interface Kinds {
  feature: string
  number: number
}

t.test('items are read in the order in which they came, by kind', (t) => {
  const registry = new Registry<Kinds>()
  t.strictSame([...registry.items('feature')], [])
  registry.provide('feature', 'a')
  const second = registry.provide('feature', 'b')
  registry.provide('number', 1)
  t.strictSame([...registry.items('feature')], ['a', 'b'])
  second[Symbol.dispose]()
  t.strictSame([...registry.items('feature')], ['a'])
  t.strictSame([...registry.items('number')], [1])
  t.end()
})

t.test('a reader hears of items that were there and of those that come, and undoes each once', (t) => {
  const registry = new Registry<Kinds>()
  const heard: string[] = []
  const early = registry.provide('feature', 'early')
  const reader = registry.each('feature', (item) => {
    heard.push(`+${item}`)
    return () => void heard.push(`-${item}`)
  })
  const late = registry.provide('feature', 'late')
  early[Symbol.dispose]()
  reader[Symbol.dispose]()
  late[Symbol.dispose]()
  registry.provide('feature', 'unheard')
  t.strictSame(heard, ['+early', '+late', '-early', '-late'])
  t.end()
})
