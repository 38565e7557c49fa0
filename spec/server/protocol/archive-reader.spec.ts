/** XEP-0313 §4, §5: what is asked of archives and what they answer, on the databases that need no server. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { answerQuery, archivedElement, type Asking, metadataElement } from '../../../server/protocol/archive-answer.ts'
import { archiveFormElement, type ArchiveRequest, readArchiveQuery } from '../../../server/protocol/archive-query.ts'
import { type ArchivePage, ArchiveReader } from '../../../server/protocol/archive-reader.ts'
import { StanzaError } from '../../../server/stanza-error.ts'
import { systemClock } from '../../../server/util/clock.ts'
import { type Element, xml } from '../../../server/xml/element.ts'
import { parseElement } from '../../../server/xml/parse.ts'
import { Storage, type StorageOptions } from '../../../storage/storage.ts'
import { archive, type ArchiveStore } from '../../../storage/store.ts'

const folder = await mkdtemp(join(tmpdir(), 'madrigal-archive-'))
t.teardown(() => rm(folder, { recursive: true }))

const drivers: Readonly<Record<string, StorageOptions>> = {
  memory: { driver: 'memory' },
  sqlite: { driver: 'sqlite', path: join(folder, 'archive.sqlite') },
}

const PEERS = ['juliet@x', 'nurse@x', 'tybalt@x']

const query = (inside = '', attributes = ''): ArchiveRequest =>
  readArchiveQuery(parseElement(`<query xmlns='urn:xmpp:mam:2'${attributes}>${inside}</query>`))

const form = (fields: Readonly<Record<string, string | readonly string[]>>, type = 'urn:xmpp:mam:2'): string => {
  const elements = Object.entries({ FORM_TYPE: type, ...fields }).map(([name, values]) => {
    const texts = typeof values === 'string' ? [values] : values
    return `<field var='${name}'>${texts.map((text) => `<value>${text}</value>`).join('')}</field>`
  })
  return `<x xmlns='jabber:x:data' type='submit'>${elements.join('')}</x>`
}

const rsm = (inside: string): string => `<set xmlns='http://jabber.org/protocol/rsm'>${inside}</set>`

const idsOf = ({ items }: ArchivePage): readonly string[] => items.map(({ id }) => id)

async function fill(store: ArchiveStore, owner: string, peers: readonly string[]): Promise<readonly string[]> {
  const appended = peers.map((peer, i) =>
    store.append(owner, {
      when: new Date(Date.now() + i),
      with: `${peer}/r`,
      stanza: `<message id='m${i}'><body>${i}</body></message>`,
    }),
  )
  await Promise.all(appended.map(({ stored }) => stored))
  return appended.map(({ id }) => id)
}

t.test('reads all that can be asked', async (t) => {
  const nothing = { queryId: undefined, with: undefined, start: undefined, end: undefined, afterId: undefined }
  t.match(query(), { ...nothing, beforeId: undefined, ids: undefined, page: undefined, isFlipped: false })
  const request = query(
    `${form({
      with: 'Juliet@x/Balcony',
      start: '2026-01-01T00:00:00Z',
      end: '2026-01-02T00:00:00.5+01:00',
      'before-id': 'b',
      'after-id': 'a',
      ids: ['1', '2', '1'],
    })}${rsm('<max>10</max><before>p</before>')}<flip-page/>`,
    ` queryid='q&apos;1'`,
  )
  t.match(request, {
    queryId: `q'1`,
    start: new Date('2026-01-01T00:00:00Z'),
    end: new Date('2026-01-01T23:00:00.500Z'),
    beforeId: 'b',
    afterId: 'a',
    ids: ['1', '2'],
    page: { max: 10, before: 'p' },
    isFlipped: true,
  })
  t.equal(request.with?.full, 'juliet@x/Balcony')
  t.match(query(form({ start: '' })), { start: undefined }, 'an empty field is none')
  t.match(
    String(archiveFormElement()),
    /<field type='list-multi' var='ids'><validate [^>]*datatype='xs:string'><open\/>/,
  )
})

t.test('refuses what cannot be understood', async (t) => {
  const refusals: readonly (readonly [condition: string, inside: string])[] = [
    ['bad-request', form({ start: 'yesterday' })],
    ['bad-request', form({ end: '2026-02-30T00:00:00Z' })],
    ['bad-request', form({ with: '@' })],
    ['bad-request', form({ start: ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'] })],
    ['bad-request', form({}, 'urn:xmpp:mam:1')],
    ['bad-request', `<x xmlns='jabber:x:data' type='cancel'/>`],
    ['bad-request', `<x xmlns='jabber:x:data' type='form'/>`],
    ['bad-request', `<x xmlns='jabber:x:data'/>`],
    ['bad-request', rsm('<max>many</max>')],
    ['bad-request', rsm('<max>-1</max>')],
    ['feature-not-implemented', rsm('<index>3</index>')],
    ['feature-not-implemented', form({ '{http://example.com/}mood': 'lonely' })],
    ['not-acceptable', form({ ids: Array.from({ length: 501 }, (_, i) => String(i)) })],
  ]
  for (const [condition, inside] of refusals) {
    t.throws(() => query(inside), { name: 'StanzaError', condition }, inside.slice(0, 200))
  }
  t.throws(() => query('', ` queryid='${'q'.repeat(2000)}'`), { name: 'StanzaError', condition: 'bad-request' })
  t.ok(query(form({}).replace(/<field var='FORM_TYPE'>.*?<\/field>/, '')), 'the type of the form need not be named')
})

t.test('never throws anything but a refusal', async (t) => {
  const field = fc.tuple(
    fc.constantFrom('with', 'start', 'end', 'before-id', 'ids', 'FORM_TYPE', 'x'),
    fc.constantFrom('', 'urn:xmpp:mam:2', '2026-01-01T00:00:00Z', 'a@b', '@', '__proto__'),
  )
  const inside = fc
    .array(field, { maxLength: 4 })
    .map((fields) => fields.map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`).join(''))
  fc.assert(
    fc.property(
      inside,
      fc.constantFrom('submit', 'form', ''),
      fc.constantFrom('', '<max>1</max>', '<before/>', '<index>x</index>'),
      (fields, type, set) => {
        try {
          query(`<x xmlns='jabber:x:data' type='${type}'>${fields}</x>${rsm(set)}`)
        } catch (error) {
          if (!(error instanceof StanzaError)) throw error
        }
      },
    ),
  )
  t.pass()
})

for (const [name, options] of Object.entries(drivers)) {
  t.test(name, async (t) => {
    const storage = await Storage.start(options, { clock: systemClock })
    t.teardown(() => storage.close())
    const { messages } = await storage.open('x', { messages: archive('archive') })
    const reader = new ArchiveReader(messages)
    let owners = 0
    const newOwner = (): string => `owner${owners++}`

    t.test('the same pages forwards and backwards, whatever is asked for', async () => {
      const asked = fc.record({
        peers: fc.array(fc.constantFrom(...PEERS), { minLength: 1, maxLength: 30 }),
        size: fc.integer({ min: 1, max: 7 }),
        with: fc.option(fc.constantFrom(...PEERS), { nil: undefined }),
        from: fc.nat(29),
        to: fc.nat(29),
        bounded: fc.constantFrom('no', 'after-id', 'before-id', 'both', 'ids'),
      })
      await fc.assert(
        fc.asyncProperty(asked, async ({ peers, size, with: peer, from, to, bounded }) => {
          const owner = newOwner()
          const ids = await fill(messages, owner, peers)
          const low = ids[from % ids.length]!
          const high = ids[to % ids.length]!
          const fields: Record<string, string | readonly string[]> = {}
          if (peer !== undefined) fields['with'] = peer
          if (bounded === 'after-id' || bounded === 'both') fields['after-id'] = low
          if (bounded === 'before-id' || bounded === 'both') fields['before-id'] = high
          if (bounded === 'ids') fields['ids'] = [low, high]
          const expected = ids.filter((id, i) => {
            if (peer !== undefined && peers[i] !== peer) return false
            if (bounded === 'ids') return id === low || id === high
            return (fields['after-id'] === undefined || id > low) && (fields['before-id'] === undefined || id < high)
          })
          const page = (set: string): Promise<ArchivePage> => reader.page(owner, query(form(fields) + rsm(set)), size)

          const forwards: string[] = []
          for (let last: string | undefined; ; last = forwards.at(-1)) {
            const found = await page(last === undefined ? '' : `<after>${last}</after>`)
            forwards.push(...idsOf(found))
            check(found.count === expected.length, `counts ${found.count} of ${expected.length}`)
            check(found.isComplete === forwards.length >= expected.length, 'complete, forwards')
            if (found.isComplete) break
          }
          check(forwards.join() === expected.join(), `forwards ${forwards.join()} not ${expected.join()}`)

          const backwards: string[] = []
          for (let first = ''; ; first = backwards[0]!) {
            const found = await page(`<before>${first}</before>`)
            backwards.unshift(...idsOf(found))
            check(found.isComplete === backwards.length >= expected.length, 'complete, backwards')
            if (found.isComplete) break
          }
          check(backwards.join() === expected.join(), `backwards ${backwards.join()} not ${expected.join()}`)
        }),
        { numRuns: name === 'memory' ? 200 : 40 },
      )
    })

    t.test('no gap and nothing twice while more comes in', async (t) => {
      const owner = newOwner()
      const expected: string[] = []
      const writing: Promise<void>[] = []
      const add = (count: number): void => {
        for (let i = 0; i < count; i++) {
          const { id, stored } = messages.append(owner, { when: new Date(), with: 'juliet@x', stanza: '<message/>' })
          reader.added(owner)
          expected.push(id)
          writing.push(stored)
        }
      }
      add(20)
      const seen: string[] = []
      for (let round = 0; ; round++) {
        const last = seen.at(-1)
        const coming = reader.page(owner, query(last === undefined ? '' : rsm(`<after>${last}</after>`)), 3)
        if (round < 20) add(round % 4)
        const found = await coming
        seen.push(...idsOf(found))
        if (round >= 20 && found.isComplete) break
      }
      await Promise.all(writing)
      t.strictSame(seen, expected)
      const counted = await reader.page(owner, query(rsm('<max>0</max>')), 0)
      t.match(counted, { items: [], isComplete: false, count: expected.length })
    })

    t.test('an id that is not there is refused, also one that was', async (t) => {
      const owner = newOwner()
      const ids = await fill(messages, owner, ['juliet@x', 'nurse@x', 'juliet@x'])
      const missing = { name: 'StanzaError', condition: 'item-not-found' }
      const [other] = await fill(messages, newOwner(), ['juliet@x'])
      for (const id of ['gone', '00000000000', other!, `' OR 1=1 --`.replaceAll(`'`, '&apos;')]) {
        await t.rejects(reader.page(owner, query(rsm(`<after>${id}</after>`)), 10), missing, id)
        await t.rejects(reader.page(owner, query(rsm(`<before>${id}</before>`)), 10), missing, id)
        await t.rejects(reader.page(owner, query(form({ 'after-id': id })), 10), missing, id)
        await t.rejects(reader.page(owner, query(form({ 'before-id': id })), 10), missing, id)
        await t.rejects(reader.page(owner, query(form({ ids: [ids[0]!, id] })), 10), missing, id)
      }
      await reader.page(owner, query(), 10)
      await messages.remove(owner, { ids: [ids[2]!] })
      reader.forget(owner)
      await t.rejects(reader.page(owner, query(rsm(`<after>${ids[2]!}</after>`)), 10), missing)
      t.match(await reader.page(owner, query(rsm(`<after>${ids[0]!}</after>`)), 10), { count: 2, isComplete: true })
    })

    t.test('tells where an archive begins and ends', async (t) => {
      const owner = newOwner()
      t.equal(String(await metadataElement(reader, owner)), `<metadata xmlns='urn:xmpp:mam:2'/>`)
      const ids = await fill(messages, owner, ['juliet@x', 'nurse@x', 'juliet@x'])
      const metadata = await metadataElement(reader, owner)
      t.strictSame(
        metadata.elements.map(({ name: end, attrs }) => [end, attrs['id']]),
        [
          ['start', ids[0]],
          ['end', ids[2]],
        ],
      )
    })
  })
}

t.test('answers with messages as they were archived, or as they are to be seen', async (t) => {
  const storage = await Storage.start({ driver: 'memory' }, { clock: systemClock })
  t.teardown(() => storage.close())
  const { messages } = await storage.open('x', { messages: archive('archive') })
  const when = new Date('2026-01-02T03:04:05.678Z')
  const stanza = `<message to='juliet@x' id='m'><body>Hi &amp; bye</body><x xmlns='urn:example:x'/></message>`
  const one = messages.append('romeo', { when, with: 'juliet@x', stanza })
  const two = messages.append('romeo', { when, with: 'juliet@x', stanza: '<message/>' })
  await two.stored

  const sent: string[] = []
  const asking = { pages: { usual: 1, limit: 2 }, send: (result: Element) => void sent.push(String(result)) }
  const ask = (inside: string, more: Partial<Asking> = {}): Promise<string> => {
    sent.length = 0
    const element = parseElement(`<query xmlns='urn:xmpp:mam:2' queryid='q&apos;'>${inside}</query>`)
    return answerQuery(new ArchiveReader(messages), 'romeo', element, { ...asking, ...more }).then(String)
  }
  const result = (id: string, message: string): string =>
    `<result xmlns='urn:xmpp:mam:2' queryid='q&apos;' id='${id}'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2026-01-02T03:04:05.678Z'/>${message}</forwarded></result>`
  const fin = (attributes: string, ids: readonly string[]): string =>
    `<fin xmlns='urn:xmpp:mam:2'${attributes}><set xmlns='http://jabber.org/protocol/rsm'><first>${ids[0]}</first><last>${ids.at(-1)}</last><count>2</count></set></fin>`
  const first = stanza.replace('<message', `<message xmlns='jabber:client'`)

  t.equal(await ask(''), fin('', [one.id]))
  t.strictSame(sent, [result(one.id, first)])
  t.equal(
    await ask(`${rsm('<max>9</max>')}<flip-page/>`, { isStable: false }),
    fin(` complete='true' stable='false'`, [one.id, two.id]),
  )
  t.strictSame(sent, [result(two.id, `<message xmlns='jabber:client'/>`), result(one.id, first)])
  await ask('', { show: (item) => xml('message', { xmlns: 'jabber:client', id: `${item.with}!` }) })
  t.strictSame(sent, [result(one.id, `<message xmlns='jabber:client' id='juliet@x!'/>`)])
  t.equal(
    await ask(form({ with: 'nurse@x' })),
    `<fin xmlns='urn:xmpp:mam:2' complete='true'><set xmlns='http://jabber.org/protocol/rsm'><count>0</count></set></fin>`,
  )
  t.equal(archivedElement({ id: '', when, with: '', stanza: '<message/>' }).ns, 'jabber:client')
})

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}
