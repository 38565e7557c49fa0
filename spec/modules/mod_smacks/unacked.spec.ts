/** The queue of what was not acknowledged, compared with a plain list. */
import fc from 'fast-check'
import t from 'tap'
import { Unacked, WRAP } from '../../../modules/mod_smacks/unacked.ts'
import type { Kept } from '../../../server/host/events.ts'
import { Stanza } from '../../../server/xml/stanza.ts'

const act = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), isKept: fc.boolean() }),
  fc.record({ kind: fc.constant('acknowledge' as const), more: fc.integer({ min: -2, max: 12 }) }),
  fc.record({ kind: fc.constant('keep' as const), which: fc.constantFrom('all' as const, 'some' as const) }),
)

t.test('gives what waits in order, stores each once, and forgets each when it is acknowledged', async (t) => {
  fc.assert(
    fc.property(fc.constantFrom(0, 5, WRAP - 3), fc.array(act, { maxLength: 60 }), (before, acts) => {
      const queue = new Unacked(before)
      let list: string[] = []
      let acked = before
      let made = 0
      const stored: string[] = []
      const forgotten: string[] = []
      const keep = (stanza: Stanza): Kept => {
        const id = stanza.id ?? ''
        stored.push(id)
        return { ref: id, stored: Promise.resolve(), forget: () => forgotten.push(id), release() {} }
      }
      for (const step of acts) {
        if (step.kind === 'add') {
          const stanza = Stanza.parse(`<message id='${++made}'><body>${made}</body></message>`)
          queue.add(stanza, step.isKept ? keep(stanza) : undefined)
          list.push(String(made))
        } else if (step.kind === 'keep') queue.keep(step.which, keep)
        else {
          const isPossible = step.more >= 0 && step.more <= list.length
          if (queue.acknowledge((acked + step.more + WRAP) % WRAP) !== isPossible) return false
          if (!isPossible) continue
          list = list.slice(step.more)
          acked += step.more
        }
        const waiting = [...queue].map(({ stanza }) => stanza.id)
        if (waiting.join() !== list.join() || queue.length !== list.length) return false
        if (queue.acked !== acked || queue.sent !== acked + list.length) return false
        if (list.length === 0 && queue.chars !== 0) return false
      }
      queue.keep('all', keep)
      const isOnce = new Set(stored).size === stored.length
      return isOnce && list.every((id) => stored.includes(id)) && forgotten.every((id) => !list.includes(id))
    }),
  )
  t.pass()
})
