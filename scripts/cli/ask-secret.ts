/** Asks for a password at the terminal, without showing it, or reads it from the standard input. */
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { Refusal } from './refusal.ts'

/** A line that somebody types or pipes in. Throws Refusal if there is none. */
export async function askSecret(name: string): Promise<string> {
  const { stdin, stderr } = process
  if (stdin.isTTY) stderr.write(`${name}: `)
  // What is typed would be echoed to the output: this one keeps it to itself.
  const mute = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: mute, terminal: stdin.isTTY })
  try {
    for await (const line of lines) {
      if (stdin.isTTY) stderr.write('\n')
      return line
    }
  } finally {
    lines.close()
  }
  throw new Refusal(`${name} is missing`)
}
