/** The Unix socket that `madrigal` gives its commands to: a line of JSON there, lines of JSON back. */
import { chmod } from 'node:fs/promises'
import type { Socket } from 'node:net'
import type { Log } from '../log/log.ts'
import { listen } from '../net/listeners.ts'
import { SecretNeeded } from './arguments.ts'
import { isForPeople } from './command.ts'
import type { CommandRegistry } from './command-registry.ts'

/** A command, as words that were typed. */
export interface ControlRequest {
  readonly words: readonly string[]
}

/** What comes back: lines to show, then an end. */
export type ControlReply =
  | { readonly line: string }
  | { readonly done: true }
  | { readonly error: string }
  /** Ask for this argument, unseen by others, and give the command again with it. */
  | { readonly ask: string }

const LONGEST_REQUEST = 65_536

/** Serves commands until disposed. Only the user that runs the server may connect. */
export async function controlSocket(path: string, commands: CommandRegistry, log: Log): Promise<Disposable> {
  const listening = await listen({ path }, 'control', (socket) => serve(socket, commands, log))
  await chmod(path, 0o600)
  return listening
}

function serve(socket: Socket, commands: CommandRegistry, log: Log): void {
  let text = ''
  const reply = (said: ControlReply): void => void socket.write(`${JSON.stringify(said)}\n`)
  socket.setEncoding('utf8')
  socket.on('error', () => {})
  socket.on('data', (chunk: string) => {
    text += chunk
    const end = text.indexOf('\n')
    if (end === -1 && text.length <= LONGEST_REQUEST) return
    socket.removeAllListeners('data')
    void answer(text.slice(0, end), commands, log, reply).finally(() => socket.end())
  })
}

async function answer(
  text: string,
  commands: CommandRegistry,
  log: Log,
  reply: (answer: ControlReply) => void,
): Promise<void> {
  const words = wordsOf(text)
  reply(
    words === undefined
      ? { error: 'not understood' }
      : await runCommand(words, commands, log, (line) => reply({ line })),
  )
}

/** Runs a command for whoever may give all of them, and says how it went. */
export async function runCommand(
  words: readonly string[],
  commands: CommandRegistry,
  log: Log,
  show: (line: string) => void,
): Promise<ControlReply> {
  try {
    await commands.run(words, show)
    return { done: true }
  } catch (error) {
    if (error instanceof SecretNeeded) return { ask: error.argument }
    if (error instanceof Error && isForPeople(error)) return { error: error.message }
    log.error('command failed', { command: words[0], error })
    return { error: 'the command failed; the log of the server says why' }
  }
}

function wordsOf(text: string): readonly string[] | undefined {
  try {
    const request: unknown = JSON.parse(text)
    const words = typeof request === 'object' && request !== null && 'words' in request ? request.words : undefined
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : undefined
  } catch {
    return undefined
  }
}
