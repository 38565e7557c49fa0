import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import t from 'tap'
import { Mailbox } from '../../../server/util/mailbox.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** A mailbox whose items are handled at once, or when the spec says so; and what should have come of it. */
class Model {
  readonly begun: number[] = []
  readonly #pending: PromiseWithResolvers<void>[] = []
  readonly mailbox: Mailbox<{ readonly number: number; readonly waits: boolean }>
  posted = 0
  atOnce = 0
  most = 0
  idle = 0

  constructor() {
    this.mailbox = new Mailbox(
      ({ number, waits }) => {
        this.begun.push(number)
        this.most = Math.max(this.most, ++this.atOnce)
        if (!waits) return this.#done()
        const pending = Promise.withResolvers<void>()
        this.#pending.push(pending)
        return pending.promise.then(() => this.#done())
      },
      { onIdle: () => void this.idle++ },
    )
  }

  post(waits: boolean): void {
    this.mailbox.post({ number: this.posted++, waits })
  }

  /** Lets the item that is being handled come to its end; true if there was one. */
  async settle(): Promise<boolean> {
    const pending = this.#pending.shift()
    pending?.resolve()
    await new Promise(setImmediate)
    return pending !== undefined
  }

  #done(): undefined {
    this.atOnce--
  }
}

t.test('items are handled one after another, in order, however long each takes', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom('quick', 'slow', 'settle'), { maxLength: 60 }), async (acts) => {
      const model = new Model()
      for (const act of acts) {
        if (act === 'settle') await model.settle()
        else model.post(act === 'slow')
        t.equal(model.mailbox.length, model.posted - model.begun.length)
      }
      while (await model.settle());
      t.strictSame(
        model.begun,
        Array.from({ length: model.posted }, (_, number) => number),
      )
      t.equal(model.mailbox.length, 0)
      t.ok(model.most <= 1)
      t.equal(model.idle > 0, acts.includes('slow'), 'whoever has waited is told')
    }),
    { numRuns: 50 },
  )
})

t.test('what is quick is handled in the stack of whoever posts it', (t) => {
  const heard: number[] = []
  const mailbox = new Mailbox<number>((item) => void heard.push(item))
  mailbox.post(1)
  t.strictSame(heard, [1])
  t.end()
})

t.test('what is posted by a handler comes behind what waits already', (t) => {
  const heard: number[] = []
  const mailbox: Mailbox<number> = new Mailbox((item) => {
    heard.push(item)
    if (item < 3) for (const next of [10 * item, 10 * item + 1]) mailbox.post(next)
  })
  mailbox.post(1)
  mailbox.post(2)
  t.strictSame(heard, [1, 10, 11, 2, 20, 21])
  t.end()
})

t.test('an error harms one item, and does not go unnoticed', async (t) => {
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', note)
  t.teardown(() => process.off('unhandledRejection', note))
  const heard: string[] = []
  const mailbox = new Mailbox<string>((item) => {
    heard.push(item)
    if (item === 'throws') throw new Error(item)
    return item === 'rejects' ? Promise.reject(new Error(item)) : undefined
  })
  for (const item of ['throws', 'a', 'rejects', 'b']) mailbox.post(item)
  await new Promise(setImmediate)
  t.strictSame(heard, ['throws', 'a', 'rejects', 'b'])
  t.match(unhandled, [{ message: 'throws' }, { message: 'rejects' }])
})

t.test('a mailbox that never catches up lets go of what it has handled', async (t) => {
  const handled: WeakRef<object>[] = []
  const mailbox = new Mailbox<object>(async (item) => {
    handled.push(new WeakRef(item))
    await new Promise(setImmediate)
  })
  for (let i = 0; i < 10; i++) mailbox.post({})
  while (handled.length < 1000) {
    mailbox.post({})
    await new Promise(setImmediate)
  }
  t.ok(mailbox.length > 0)
  collect()
  t.ok(handled.filter((item) => item.deref() !== undefined).length < 50)
})
