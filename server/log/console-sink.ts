/** Lines of the log for people: time, level, phrase, and the fields behind it. */
import type { DestinationStream } from 'pino'

const colourOf: Readonly<Record<string, string>> = { error: '31', warn: '33', info: '32', debug: '90' }

/** Takes the log's JSON lines and writes them as a person reads them; in colour on a terminal. */
export function consoleSink(out: { write(text: string): unknown; readonly isTTY?: boolean }): DestinationStream {
  const paint = (code: string, text: string): string => (out.isTTY === true ? `\u001b[${code}m${text}\u001b[0m` : text)
  return {
    write(line) {
      const { time, level, message, error, ...fields } = JSON.parse(line) as Record<string, unknown>
      const clock = String(time).slice(11, 19)
      const named = Object.entries(fields).map(([name, value]) => paint('90', `${name}=${show(value)}`))
      const label = paint(colourOf[String(level)] ?? '0', String(level).padEnd(5))
      out.write([paint('90', clock), label, String(message), ...named].join(' ') + '\n')
      if (error !== undefined) out.write(`${indent(describe(error))}\n`)
    },
  }
}

function show(value: unknown): string {
  return typeof value === 'string' && !/[\s=]/.test(value) ? value : JSON.stringify(value)
}

function describe(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error)
  return 'stack' in error ? String(error.stack) : JSON.stringify(error)
}

function indent(text: string): string {
  return text.replace(/^/gm, '         ')
}
