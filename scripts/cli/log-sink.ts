/** Where the log goes: a file, or what the server was started on. */
import { pino } from 'pino'
import type { ServerConfig } from '../../server/host/host-set.ts'
import { consoleSink } from '../../server/log/console-sink.ts'

export interface Sink {
  write(line: string): void
  /** Opens the file again by its name: somebody may have moved it away. */
  reopen?(): void
}

/** A log that cannot be written is no reason to stop: it says so once a failure, where it still can. */
export function openSink({ format, file }: ServerConfig['server']['log']): Sink {
  process.stdout.on('error', () => {})
  if (file !== undefined) {
    const sink = pino.destination({ dest: file, mkdir: true, sync: false })
    sink.on('error', (error: Error) => process.stderr.write(`the log cannot be written: ${error.message}\n`))
    return sink
  }
  const forPeople = format === 'text' || (format === 'auto' && process.stdout.isTTY)
  return forPeople ? consoleSink(process.stdout) : process.stdout
}
