/** The other end of the control socket: gives a command to a running server. */
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import type { ControlReply } from '../../server/admin/control-socket.ts'

/** Gives a command; false if no server listens there. Resolves with its last reply. */
export async function ask(
  path: string,
  words: readonly string[],
  show: (line: string) => void,
): Promise<ControlReply | undefined> {
  const socket = connect(path)
  const connected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  })
  if (!connected) return undefined
  socket.on('error', () => {})
  socket.write(`${JSON.stringify({ words })}\n`)
  let last: ControlReply | undefined
  for await (const text of createInterface({ input: socket })) {
    // The server and this program are of one version.
    last = JSON.parse(text) as ControlReply
    if ('line' in last) show(last.line)
  }
  return last ?? { error: 'the server has not answered' }
}
