import t from 'tap'
import { createLog, type Log, type LogLevel } from '../../../server/log/log.ts'

function begin(level: LogLevel, modules: Readonly<Record<string, LogLevel>> = {}) {
  const lines: string[] = []
  const log = createLog(
    { level, modules: new Map(Object.entries(modules)) },
    { write: (line) => void lines.push(line) },
  )
  const host = log.child({ host: 'verona.example' })
  const roster = log.child({ host: 'verona.example', module: 'roster' })
  const muc = host.child({ module: 'muc' })
  const logs: Readonly<Record<string, Log>> = { root: log, host, roster, muc }
  /** Which of them tell of details just now. */
  const talkative = (): readonly string[] => {
    lines.length = 0
    for (const [name, one] of Object.entries(logs)) one.debug(name)
    return lines.map((line) => (JSON.parse(line) as { message: string }).message)
  }
  return { log, logs, lines, talkative }
}

t.test('a line has a time, a level, a phrase and fields, also those of whoever writes it', (t) => {
  const { logs, lines } = begin('info')
  logs['muc']?.warn('room entered', { jid: 'romeo@verona.example' })
  t.match(JSON.parse(lines[0] ?? ''), {
    level: 'warn',
    time: /^\d{4}-\d\d-\d\dT.*Z$/,
    host: 'verona.example',
    module: 'muc',
    jid: 'romeo@verona.example',
    message: 'room entered',
  })
  t.end()
})

t.test('levels change while the server runs, for all or for one module', (t) => {
  const { log, talkative } = begin('info', { muc: 'warn' })
  t.strictSame(talkative(), [])
  log.setLevel('roster', 'debug')
  t.strictSame(talkative(), ['roster'])
  log.setLevel(undefined, 'debug')
  t.strictSame(talkative(), ['root', 'host', 'roster'], 'but for those that have levels of their own')
  log.setLevel(undefined, 'info')
  t.strictSame(talkative(), ['roster'])
  t.end()
})

t.test('another configuration says it for all', (t) => {
  const { log, talkative } = begin('debug', { muc: 'warn' })
  t.strictSame(talkative(), ['root', 'host', 'roster'])
  log.configure({ level: 'info', modules: new Map([['roster', 'debug']]) })
  t.strictSame(talkative(), ['roster'])
  log.configure({ level: 'debug', modules: new Map() })
  t.strictSame(talkative(), ['root', 'host', 'roster', 'muc'])
  t.end()
})
