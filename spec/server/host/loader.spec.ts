import t, { type Test } from 'tap'
import { inOrder, type Loader } from '../../../server/host/loader.ts'
import { type AnyHostModule, defineModule } from '../../../server/host/module.ts'
import type { VirtualHost } from '../../../server/host/virtual-host.ts'
import { t as options } from '../../../server/config/types.ts'
import { startOwnServer } from '../../support/own-server.ts'

/** A module that does nothing, and may need others. */
const module = (name: string, ...depends: readonly string[]): AnyHostModule =>
  // The names are of these modules only, and no service is used.
  ({ ...defineModule({ name, about: 'nothing', on: [], setup() {} }), depends }) as unknown as AnyHostModule

async function start(t: Test): Promise<{ loader: Loader; host: VirtualHost }> {
  const own = await startOwnServer()
  t.teardown(() => own[Symbol.asyncDispose]())
  return own.server.hosts.get('localhost')!
}

const features = (host: VirtualHost): readonly string[] => [...host.provisions.items('feature')]
const handlers = (host: VirtualHost): number => host.hooks.list('incoming/message').length

t.test('modules are set up behind those that they need', (t) => {
  const [a, b, c] = [module('a', 'b', 'c'), module('b', 'c'), module('c')]
  t.strictSame(inOrder([a, b, c]), [c, b, a])
  t.throws(() => inOrder([a, b]), /module b needs c, which is not enabled/)
  t.throws(() => inOrder([module('x', 'y'), module('y', 'x')]), /modules need each other: x → y → x/)
  t.end()
})

t.test('nothing is left of a module that cannot be set up', async (t) => {
  const { loader, host } = await start(t)
  const [before, count] = [features(host), handlers(host)]
  const faulty = defineModule({
    name: 'faulty',
    about: 'cannot be set up',
    on: [],
    async setup(view) {
      view.feature('urn:example:faulty')
      view.on('incoming/message', () => undefined)
      view.provide('feature', 'urn:example:more')
      throw new Error('no')
    },
  })
  await t.rejects(loader.load(faulty), /no/)
  t.strictSame([features(host), handlers(host)], [before, count])
  t.notOk(loader.has('faulty'))
})

t.test(
  'a module goes after those that need it, and they are given in the order in which to load them again',
  async (t) => {
    const { loader } = await start(t)
    for (const one of [module('a'), module('b', 'a'), module('c', 'b'), module('d')]) await loader.load(one)
    const gone = await loader.unload('a')
    t.strictSame(
      gone.map(({ name }) => name),
      ['a', 'b', 'c'],
    )
    t.ok(loader.has('d'))
    for (const one of gone) await loader.load(one)
    t.ok(['a', 'b', 'c'].every((name) => loader.has(name)))
    t.strictSame(await loader.unload('unknown'), [])
  },
)

t.test('neither twice, nor without what is needed', async (t) => {
  const { loader } = await start(t)
  await loader.load(module('a'))
  await t.rejects(loader.load(module('a')), /loaded already/)
  await t.rejects(loader.load(module('b', 'missing')), /b needs missing/)
})

t.test('the old comes back, with those that need it, if the new cannot be set up', async (t) => {
  const { loader, host } = await start(t)
  const good = defineModule({ name: 'a', about: 'good', on: [], setup: (view) => view.feature('urn:example:good') })
  const bad = defineModule({
    name: 'a',
    about: 'bad',
    on: [],
    setup() {
      throw new Error('no')
    },
  })
  await loader.load(good)
  await loader.load(module('b', 'a'))
  await t.rejects(loader.reload(bad), /no/)
  t.ok(loader.has('b'))
  t.ok(features(host).includes('urn:example:good'))
  const better = defineModule({
    name: 'a',
    about: 'better',
    on: [],
    setup: (view) => view.feature('urn:example:better'),
  })
  await loader.reload(better)
  t.ok(loader.has('b'))
  t.notOk(features(host).includes('urn:example:good'))
  t.ok(features(host).includes('urn:example:better'))
})

t.test('what comes back comes back with the options that it had', async (t) => {
  const own = await startOwnServer({
    config: 'hosts: { localhost: { modules: { picky: { mood: good } } } }',
    modules: [
      defineModule({
        name: 'picky',
        about: 'cannot be set up in a bad mood',
        on: [],
        config: { mood: options.oneOf('good', 'bad') },
        setup(view, { config: { mood } }) {
          if (mood === 'bad') throw new Error('no')
          view.feature(`urn:example:${mood}`)
        },
      }),
    ],
  })
  t.teardown(() => own[Symbol.asyncDispose]())
  const { host } = own.server.hosts.get('localhost')!
  const { applied } = await own.reload('hosts: { localhost: { modules: { picky: { mood: bad } } } }')
  t.match(applied.join(), 'FAILED')
  t.ok(features(host).includes('urn:example:good'))
})

t.test('if neither can be set up, those that do not need it are not harmed', async (t) => {
  const { loader } = await start(t)
  let times = 0
  const once = defineModule({
    name: 'a',
    about: 'can be set up once',
    on: [],
    setup() {
      if (times++ > 0) throw new Error('never again')
    },
  })
  await loader.load(once)
  for (const one of [module('b', 'a'), module('c', 'b'), module('d')]) await loader.load(one)
  await t.rejects(loader.reload(once), /module a and others could not be loaded/)
  t.notOk(['a', 'b', 'c'].some((name) => loader.has(name)))
  t.ok(loader.has('d'))
  await t.rejects(loader.load(module('b', 'a')), /module b needs a/, 'it can be tried again')
})
