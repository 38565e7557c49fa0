import { join, resolve } from 'node:path'
import t from 'tap'
import { type Config, loadConfig, type Outside, pluginPathsOf } from '../../../server/config/config.ts'
import { diffConfig } from '../../../server/config/diff.ts'
import { report } from '../../../server/config/report.ts'
import { Secret } from '../../../server/config/secret.ts'
import { t as type } from '../../../server/config/types.ts'
import { YEAR } from '../../../server/config/units.ts'
import { declarations } from './declarations.ts'

const outside: Outside = {
  env: { MADRIGAL_KEY: 'from the environment', EMPTY: '' },
  readFile: (path) => {
    if (path === resolve('/etc/madrigal/key')) return 'from a file\n'
    throw new Error('ENOENT: no such file')
  },
}

const file = '/etc/madrigal/madrigal.yaml'

function load(text: string | undefined): Config<'muc'> {
  const loaded = loadConfig({ file, text, outside, ...declarations })
  if ('ok' in loaded) return loaded.ok
  throw new Error(report(loaded.problems, text ?? ''))
}

/** What is said of a config, without the folder. */
function said(text: string): string {
  const loaded = loadConfig({ file, text, outside, ...declarations })
  return 'ok' in loaded ? 'nothing' : report(loaded.problems, text).replaceAll('/etc/madrigal/', '')
}

const verona = `# madrigal.yaml
data: /var/lib/madrigal
storage: { driver: sqlite }
modules: [disco, roster, presence, register]   # on every host
hosts:
  verona.example:
    modules:
      mam: { expire_after: 1 year }
      register: { invites_only: true, key: { env: MADRIGAL_KEY } }
  Mantua.example:
    admins: [friar@verona.example]
    anonymous: true
    tls: { certificate: tls/mantua.crt, key: tls/mantua.key }
    modules: { roster: false, presence: false }
  rooms.verona.example:
    is: muc
    max_rooms: 5
`

t.test('a config as seen by host and module', async (t) => {
  const { server, hosts, modules } = load(verona)
  t.equal(server.data, resolve('/var/lib/madrigal'))
  t.equal(server.control, join(server.data, 'madrigal.sock'))
  t.equal(server.storage.path, join(server.data, 'madrigal.sqlite'))
  t.equal(server.tls.certificates, join(server.data, 'certificates'))
  t.same(server.listen.c2s, [{ host: undefined, port: 5222 }])
  t.equal(server.c2s.auth_timeout, 30)
  t.same([...modules], [['metrics', { path: '/metrics', limits: { clients: [], size: 1024 } }]])
  t.same(
    hosts.map(({ domain, kind, anonymous, modules: running }) => [domain, kind, anonymous, [...running.keys()]]),
    [
      ['verona.example', 'local', false, ['disco', 'roster', 'presence', 'register', 'mam']],
      ['mantua.example', 'local', true, ['disco', 'register']],
      ['rooms.verona.example', 'muc', false, ['disco', 'muc']],
    ],
  )
  const [first, second, rooms] = hosts
  t.same(first?.modules.get('mam'), { expire_after: YEAR, default_policy: 'always' })
  t.same(first?.modules.get('disco'), {})
  t.same(rooms?.modules.get('muc'), { max_rooms: 5 })
  t.same(
    second?.admins.map(({ bare }) => bare),
    ['friar@verona.example'],
  )
  t.same(second?.tls, {
    certificate: resolve('/etc/madrigal/tls/mantua.crt'),
    key: resolve('/etc/madrigal/tls/mantua.key'),
  })
})

t.test('without a config there is a server to try', async (t) => {
  for (const text of [undefined, '', '# nothing yet\n', 'hosts:\nlog:\n']) {
    const { server, hosts } = load(text)
    t.equal(server.data, resolve('/etc/madrigal/data'))
    t.same(
      hosts.map(({ domain, kind }) => [domain, kind]),
      [
        ['localhost', 'local'],
        ['conference.localhost', 'muc'],
      ],
    )
  }
  const bare = loadConfig({ file, text: undefined, modules: [], components: [] })
  t.same('ok' in bare && bare.ok.hosts.map(({ domain }) => domain), ['localhost'])
})

t.test('options of a host come before those of the server, one by one', async (t) => {
  const { hosts } = load(`
modules:
  mam: { expire_after: 1 week, default_policy: never }
  mirror: { users: { romeo: 1 KiB } }
hosts:
  a.example: { modules: { mam: { expire_after: never }, mirror: { url: "https://b.example" } } }
  b.example: { modules: { mam: false, mirror: false } }
`)
  t.same(hosts[0]?.modules.get('mam'), { expire_after: Infinity, default_policy: 'never' })
  t.same(hosts[0]?.modules.get('mirror'), { url: 'https://b.example', users: new Map([['romeo', 1024]]) })
  t.same([...(hosts[1]?.modules.keys() ?? [])], ['disco', 'roster', 'presence'])
})

t.test('secrets are in the config, a file or the environment', async (t) => {
  const written: Readonly<Record<string, string>> = {
    tybalt: 'tybalt',
    '{ env: MADRIGAL_KEY }': 'from the environment',
    '{ file: key }': 'from a file',
  }
  for (const [text, secret] of Object.entries(written)) {
    const { hosts } = load(`hosts: { a.example: { modules: { register: { key: ${text} } } } }`)
    const key = hosts[0]?.modules.get('register')?.['key']
    t.equal(key instanceof Secret && key.reveal(), secret)
  }
})

/** Configs that are wrong, and the whole of what is said about them. */
const wrong: Readonly<Record<string, readonly [string, string]>> = {
  'all at once': [
    verona.replace('max_rooms: 5', 'max_rooms: lots').replace('invites_only', 'invite_only'),
    `madrigal.yaml:9:19: unknown option invite_only; did you mean invites_only?
    9 |       register: { invite_only: true, key: { env: MADRIGAL_KEY } }
      |                   ^^^^^^^^^^^
madrigal.yaml:17:16: max_rooms: expected a whole number, 1 or more, not "lots"
   17 |     max_rooms: lots
      |                ^^^^`,
  ],
  'no section at all': [
    '- data',
    `madrigal.yaml:1:1: expected a section, not a list
    1 | - data
      | ^`,
  ],
  'an option of nothing': [
    'dta: here',
    `madrigal.yaml:1:1: unknown option dta; did you mean data?
    1 | dta: here
      | ^^^`,
  ],
  'values of the wrong kind': [
    'data: 5\nlog: { level: loud }\nc2s: { rate: 64 KB }\nadmins: romeo@verona.example',
    `madrigal.yaml:1:7: data: expected a path, not 5
    1 | data: 5
      |       ^
madrigal.yaml:2:15: level: expected one of error, warn, info, debug, not "loud"
    2 | log: { level: loud }
      |               ^^^^
madrigal.yaml:3:14: rate: expected a rate such as "64 KB/s", or "unlimited", not "64 KB"
    3 | c2s: { rate: 64 KB }
      |              ^^^^^
madrigal.yaml:4:9: admins: expected a list, not "romeo@verona.example"; write ["romeo@verona.example"]
    4 | admins: romeo@verona.example
      |         ^^^^^^^^^^^^^^^^^^^^`,
  ],
  'an item of a list': [
    'listen:\n  c2s:\n    - 5222\n    - localhost\n',
    `madrigal.yaml:4:7: c2s: expected a port, an address such as "127.0.0.1:5222" or "[::1]:5222", or "unix:/path", not "localhost"
    4 |     - localhost
      |       ^^^^^^^^^`,
  ],
  'text without quotes': [
    'modules:\n  metrics:\n    path: 8080\n',
    `madrigal.yaml:3:11: path: expected text, not 8080; put it in quotes
    3 |     path: 8080
      |           ^^^^`,
  ],
  'what is missing, at the section that misses it': [
    'hosts:\n  a.example:\n    tls:\n      key: a.key\n    modules:\n      mirror:\n',
    `madrigal.yaml:3:5: missing option certificate: expected a path
    3 |     tls:
      |     ^^^
madrigal.yaml:6:7: missing option url: expected a URL such as https://chat.verona.example/
    6 |       mirror:
      |       ^^^^^^`,
  ],
  'a driver without its database': [
    'storage:\n  stores: { archive: postgres }',
    `madrigal.yaml:1:1: url: the driver postgres needs one, as in postgres://user:password@host/database
    1 | storage:
      | ^^^^^^^`,
  ],
  'secrets, without showing them': [
    'hosts: { a.example: { modules: { register: { key: 12345, invites: 1 } } } }',
    `madrigal.yaml:1:51: key: expected text, { file: path } or { env: NAME }; put it in quotes
    1 | hosts: { a.example: { modules: { register: { key: *****, invites: 1 } } } }
      |                                                   ^^^^^
madrigal.yaml:1:58: unknown option invites; did you mean invites_only?
    1 | hosts: { a.example: { modules: { register: { key: *****, invites: 1 } } } }
      |                                                          ^^^^^^^`,
  ],
  'a secret that is not where it is said to be': [
    'hosts:\n  a.example: { modules: { register: { key: { file: nowhere } } } }\n  b.example: { modules: { register: { key: { env: NOTHING } } } }\n  c.example: { modules: { register: { key: { fil: key } } } }',
    `madrigal.yaml:2:44: key: cannot read nowhere: ENOENT: no such file
    2 |   a.example: { modules: { register: { key: { file: nowhere } } } }
      |                                            ^
madrigal.yaml:3:44: key: there is no NOTHING in the environment
    3 |   b.example: { modules: { register: { key: { env: NOTHING } } } }
      |                                            ^
madrigal.yaml:4:44: missing option file: expected text
    4 |   c.example: { modules: { register: { key: { fil: key } } } }
      |                                            ^
madrigal.yaml:4:46: unknown option fil
    4 |   c.example: { modules: { register: { key: { fil: key } } } }
      |                                              ^^^`,
  ],
  'modules that do not exist': [
    'modules: [mma, mam, mam, 5]\nrequired_modules: [rooster]\nhosts: { a.example: { modules: { pubsub: true, mam: 5 } } }',
    `madrigal.yaml:1:11: unknown module mma; did you mean mam?
    1 | modules: [mma, mam, mam, 5]
      |           ^^^
madrigal.yaml:1:21: mam is named twice
    1 | modules: [mma, mam, mam, 5]
      |                     ^^^
madrigal.yaml:1:26: modules: expected the name of a module, not 5
    1 | modules: [mma, mam, mam, 5]
      |                          ^
madrigal.yaml:2:20: unknown module rooster; did you mean roster?
    2 | required_modules: [rooster]
      |                    ^^^^^^^
madrigal.yaml:3:34: unknown module pubsub
    3 | hosts: { a.example: { modules: { pubsub: true, mam: 5 } } }
      |                                  ^^^^^^
madrigal.yaml:3:53: mam: expected options, true or false, not 5
    3 | hosts: { a.example: { modules: { pubsub: true, mam: 5 } } }
      |                                                     ^`,
  ],
  'modules in the wrong place': [
    'modules: all\nhosts:\n  a.example:\n    modules: [muc, shell]\n',
    `madrigal.yaml:1:10: modules: expected a list or a section, not "all"
    1 | modules: all
      |          ^^^
madrigal.yaml:4:15: muc is no module to be named here: write "is: muc" at a host, and its options beside that
    4 |     modules: [muc, shell]
      |               ^^^
madrigal.yaml:4:20: the module shell is one for the whole server: name it in modules at the top of the file
    4 |     modules: [muc, shell]
      |                    ^^^^^`,
  ],
  'a module without one that it needs': [
    'modules: { roster: false }\nhosts: { a.example: , b.example: { modules: [presence] } }',
    `madrigal.yaml:1:12: the module presence needs roster, which does not run on a.example
    1 | modules: { roster: false }
      |            ^^^^^^
madrigal.yaml:2:46: the module presence needs roster, which does not run on b.example
    2 | hosts: { a.example: , b.example: { modules: [presence] } }
      |                                              ^^^^^^^^`,
  ],
  'a mistake that all hosts share, once': [
    'modules: { mam: { expire_after: 1 weak } }\nhosts: { a.example: , b.example: }',
    `madrigal.yaml:1:33: expire_after: expected a duration such as "10 minutes", or "never", not "1 weak"
    1 | modules: { mam: { expire_after: 1 weak } }
      |                                 ^^^^^^`,
  ],
  'a mistake in a module that runs nowhere': [
    'modules: { shell: { prompt: $ } }\nhosts: { a.example: { is: muc } }',
    `madrigal.yaml:1:21: unknown option prompt
    1 | modules: { shell: { prompt: $ } }
      |                     ^^^^^^`,
  ],
  hosts: [
    'hosts:\n  not a domain:\n  a.example: local\n  A.example:\n  b.example: { is: mcu, max_rooms: 1 }\n  c.example: { is: muc, anonymous: true }',
    `madrigal.yaml:2:3: expected a domain such as verona.example, not "not a domain"
    2 |   not a domain:
      |   ^^^^^^^^^^^^
madrigal.yaml:3:14: a.example: expected a section, not "local"
    3 |   a.example: local
      |              ^^^^^
madrigal.yaml:4:3: the host a.example is written twice
    4 |   A.example:
      |   ^^^^^^^^^
madrigal.yaml:5:20: is: expected one of local, muc, not "mcu"
    5 |   b.example: { is: mcu, max_rooms: 1 }
      |                    ^^^
madrigal.yaml:6:25: unknown option anonymous
    6 |   c.example: { is: muc, anonymous: true }
      |                         ^^^^^^^^^`,
  ],
  'no hosts': [
    'hosts: []',
    `madrigal.yaml:1:8: hosts: expected a section with a domain or more
    1 | hosts: []
      |        ^`,
  ],
}

t.test('a wrong config is explained', async (t) => {
  for (const [name, [text, expected]] of Object.entries(wrong)) t.equal(said(text), expected, name)
})

t.test('a component cannot have an option that every host has', async (t) => {
  const muc = { name: 'muc', about: '', scope: 'host', config: { admins: type.string() } } as const
  t.throws(
    () => loadConfig({ file, text: '', modules: [muc], components: ['muc'] }),
    /muc cannot have an option admins/,
  )
})

t.test('folders of modules are known before the modules are', async (t) => {
  t.same(pluginPathsOf({ file, text: 'plugin_paths: [plugins]\nmodules: [unknown]' }), [
    resolve('/etc/madrigal/plugins'),
  ])
  for (const text of [undefined, '', 'plugin_paths: 5', '[']) t.same(pluginPathsOf({ file, text }), [])
})

t.test('what a reload changes', async (t) => {
  const before = load(verona)
  const nothing = { added: [], removed: [], changed: [] }
  t.same(diffConfig(before, load(`${verona}# a comment\n`)), {
    server: [],
    needsRestart: [],
    listeners: { opened: [], closed: [] },
    modules: nothing,
    hosts: nothing,
  })
  const after = load(`
data: /var/lib/madrigal
storage: { driver: memory }
log: { level: debug, modules: { mam: info } }
listen: { c2s: ["127.0.0.1:5222"], http: [5280, 5281] }
admins: [nurse@verona.example]
modules:
  register:
  shell:
  metrics: { path: /m }
hosts:
  verona.example:
    modules:
      mam: { expire_after: 2 years }
      register: { invites_only: true, key: tybalt }
      presence: false
  mantua.example: { is: muc }
  padua.example:
`)
  t.same(diffConfig(before, after), {
    server: ['log.level', 'log.modules', 'admins', 'storage.driver'],
    needsRestart: ['storage.driver'],
    listeners: {
      opened: [
        { name: 'c2s', address: { host: '127.0.0.1', port: 5222 } },
        { name: 'http', address: { host: undefined, port: 5281 } },
      ],
      closed: [{ name: 'c2s', address: { host: undefined, port: 5222 } }],
    },
    modules: { added: ['shell'], removed: [], changed: ['metrics'] },
    hosts: {
      added: ['mantua.example', 'padua.example'],
      removed: ['mantua.example', 'rooms.verona.example'],
      changed: [
        {
          domain: 'verona.example',
          options: ['admins'],
          modules: { added: [], removed: ['presence'], changed: ['register', 'mam'] },
        },
      ],
    },
  })
})
