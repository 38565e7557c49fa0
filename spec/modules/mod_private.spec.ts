import t from 'tap'
import { AccountWorld } from '../support/account-world.ts'

const query = (content: string): string => `<query xmlns='jabber:iq:private'>${content}</query>`
const numbered = (n: number): string => `<prefs xmlns='urn:example:${n}'/>`

t.test('an account keeps so many elements, and no more', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  const many = Array.from({ length: 200 }, (_, n) => numbered(n)).join('')
  t.match(await romeo.ask('set', query(many)), { type: 'result' })
  t.match(await romeo.ask('set', query(numbered(200))), { type: 'error' })
  t.match(await romeo.ask('set', query(numbered(7))), { type: 'result' }, 'what is there can be changed')
})

t.test('an account keeps so much, and no more', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  const large = (n: number): string => `<prefs xmlns='urn:example:${n}'>${'x'.repeat(250_000)}</prefs>`
  for (let n = 0; n < 4; n++) t.match(await romeo.ask('set', query(large(n))), { type: 'result' })
  t.match(await romeo.ask('set', query(large(4))), { type: 'error' })
  t.match(await romeo.ask('set', query(numbered(0))), { type: 'result' }, 'one can make room')
  t.match(await romeo.ask('set', query(large(4))), { type: 'result' })
})

t.test('a name has its limit too', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  t.match(await romeo.ask('set', query(`<prefs xmlns='urn:example:${'x'.repeat(500)}'/>`)), { type: 'error' })
  t.strictSame(world.complaints, [])
})
