import t from 'tap'
import type { HashName } from '../../../server/auth/digest.ts'
import { PartialPasswords } from '../../../server/auth/partial-passwords.ts'
import { createLog } from '../../../server/log/log.ts'
import { Storage } from '../../../storage/storage.ts'
import { keyval } from '../../../storage/store.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const keys = { salt: 'AAAA', iterations: 4096, storedKey: '', serverKey: '' }
const all = { 'sha-1': keys, 'sha-256': keys, 'sha-512': keys }

t.test('knows what accounts lack, also after a restart', async (t) => {
  const log = createLog({ level: 'error', modules: new Map() }, { write() {} })
  const storage = await Storage.start({ driver: 'memory' }, { clock: new FakeClock(0), log })
  const { partial: store } = await storage.open('localhost', {
    partial: keyval<readonly HashName[]>('partial_passwords'),
  })
  const first = await PartialPasswords.load(store)
  t.equal(first.hashesOf(undefined), undefined)
  await first.note('whole', all)
  await first.note('guest', {})
  await first.note('old', { 'sha-1': keys })
  await first.note('newer', { 'sha-1': keys, 'sha-256': keys })

  for (const known of [first, await PartialPasswords.load(store)]) {
    t.same(known.hashesOf('old'), ['sha-1'])
    t.same(known.hashesOf('newer'), ['sha-1', 'sha-256'])
    t.equal(known.hashesOf('whole'), undefined)
    t.equal(known.hashesOf('guest'), undefined, 'whoever has no password lacks nothing')
    t.same(known.hashesOf(undefined), ['sha-1'], 'what will do for everybody')
  }
  await first.note('other', { 'sha-256': keys })
  t.equal(first.hashesOf(undefined), undefined, 'nothing will do for everybody')
  for (const node of ['other', 'old']) await first.note(node)
  await first.note('newer', all)
  const last = await PartialPasswords.load(store)
  for (const node of ['other', 'old', 'newer', undefined]) t.equal(last.hashesOf(node), undefined)
})
