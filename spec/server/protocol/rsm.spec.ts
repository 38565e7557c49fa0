import fc from 'fast-check'
import t from 'tap'
import { pageOf, type PageRequest, pageSize, readPageRequest, renderPage } from '../../../server/protocol/rsm.ts'
import { NS } from '../../../server/xml/ns.ts'
import { xml } from '../../../server/xml/element.ts'
import { parseElement } from '../../../server/xml/parse.ts'
import { anyElement } from './arbitraries.ts'
import { refusal } from './refusal.ts'

const request = (set: string): PageRequest | undefined =>
  readPageRequest(parseElement(`<query xmlns='jabber:iq:search'><set xmlns='${NS.rsm}'>${set}</set></query>`))

const nothing: PageRequest = { max: undefined, after: undefined, before: undefined, index: undefined }

t.test('reads the requests of XEP-0059', async (t) => {
  const cases: readonly (readonly [string, PageRequest])[] = [
    ['', nothing],
    ['<max>10</max>', { ...nothing, max: 10 }],
    ['<max>0</max>', { ...nothing, max: 0 }],
    ['<max>10</max><after>peterpan@neverland.lit</after>', { ...nothing, max: 10, after: 'peterpan@neverland.lit' }],
    ['<max>10</max><before>peter@pixyland.org</before>', { ...nothing, max: 10, before: 'peter@pixyland.org' }],
    ['<max>10</max><before/>', { ...nothing, max: 10, before: '' }],
    ['<max>10</max><after/>', { ...nothing, max: 10 }],
    ['<max>10</max><index>371</index>', { ...nothing, max: 10, index: 371 }],
  ]
  for (const [set, expected] of cases) t.same(request(set), expected, set)
  t.equal(readPageRequest(xml('query', { xmlns: 'jabber:iq:search' })), undefined, 'nothing was asked')
  t.equal(readPageRequest(parseElement("<query xmlns='jabber:iq:search'><set><max>1</max></set></query>")), undefined)
})

t.test('refuses what is no count', async (t) => {
  for (const text of ['', 'ten', '-1', '1.5', '1e2', '0x1', '2147483648', '99999999999999999999']) {
    t.equal(refusal(() => request(`<max>${text}</max>`))?.condition, 'bad-request', text)
    t.equal(refusal(() => request(`<index>${text}</index>`))?.condition, 'bad-request', text)
  }
})

t.test('never sends more than the limit', async (t) => {
  const sizes = { usual: 20, limit: 50 }
  t.equal(pageSize(undefined, sizes), 20)
  t.equal(pageSize(nothing, sizes), 20)
  t.equal(pageSize({ ...nothing, max: 0 }, sizes), 0)
  t.equal(pageSize({ ...nothing, max: 30 }, sizes), 30)
  t.equal(pageSize({ ...nothing, max: 300 }, sizes), 50)
})

t.test('says where a page lies', async (t) => {
  const text = (page: Parameters<typeof renderPage>[0]): string => renderPage(page).toString().replaceAll('"', "'")
  t.equal(
    text({ first: 'a', last: 'b', index: 0, count: 800 }),
    `<set xmlns='${NS.rsm}'><first index='0'>a</first><last>b</last><count>800</count></set>`,
  )
  t.equal(text({ first: 'a', last: 'a' }), `<set xmlns='${NS.rsm}'><first>a</first><last>a</last></set>`)
  t.equal(text({ count: 790 }), `<set xmlns='${NS.rsm}'><count>790</count></set>`)
})

t.test('cuts pages out of a list', async (t) => {
  const letters = ['a', 'b', 'c', 'd', 'e']
  const page = (wanted: Partial<PageRequest>, size: number): unknown =>
    pageOf(letters, (letter) => letter, { ...nothing, ...wanted }, size)
  t.same(page({}, 2), { items: ['a', 'b'], first: 'a', last: 'b', index: 0, count: 5 })
  t.same(page({ after: 'b' }, 2), { items: ['c', 'd'], first: 'c', last: 'd', index: 2, count: 5 })
  t.same(page({ after: 'd' }, 2), { items: ['e'], first: 'e', last: 'e', index: 4, count: 5 })
  t.same(page({ after: 'e' }, 2), { items: [], count: 5 })
  t.same(page({ before: 'd' }, 2), { items: ['b', 'c'], first: 'b', last: 'c', index: 1, count: 5 })
  t.same(page({ before: 'a' }, 2), { items: [], count: 5 })
  t.same(page({ before: '' }, 2), { items: ['d', 'e'], first: 'd', last: 'e', index: 3, count: 5 })
  t.same(page({ index: 3 }, 1), { items: ['d'], first: 'd', last: 'd', index: 3, count: 5 })
  t.same(page({ index: 9 }, 1), { items: [], count: 5 })
  t.same(page({ after: 'a', before: 'd' }, 9), { items: ['b', 'c'], first: 'b', last: 'c', index: 1, count: 5 })
  t.same(page({ after: 'd', before: 'b' }, 9), { items: [], count: 5 })
  t.same(page({}, 0), { items: [], count: 5 })
  t.equal(refusal(() => page({ after: 'x' }, 2))?.condition, 'item-not-found')
  t.equal(refusal(() => page({ before: 'x' }, 2))?.condition, 'item-not-found')
})

t.test('whoever turns pages sees everything once', async (t) => {
  const lists = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 30 })
  const walk = (all: readonly string[], size: number, next: 'after' | 'before'): readonly string[] => {
    const seen: string[] = []
    for (let wanted = { ...nothing, [next]: next === 'before' ? '' : undefined }; ;) {
      const { items, first, last } = pageOf(all, (id) => id, wanted, size)
      if (first === undefined) return seen
      if (next === 'after') seen.push(...items)
      else seen.unshift(...items)
      wanted = { ...nothing, [next]: next === 'after' ? last : first }
    }
  }
  fc.assert(
    fc.property(lists, fc.integer({ min: 1, max: 7 }), (all, size) => {
      t.same(walk(all, size, 'after'), all)
      t.same(walk(all, size, 'before'), all)
    }),
  )
})

t.test('reads any element, or refuses it', async () => {
  const payloads = anyElement(['set', 'max', 'index', 'before', 'after'], [NS.rsm])
  fc.assert(fc.property(payloads, (payload) => void refusal(() => readPageRequest(payload))))
})
