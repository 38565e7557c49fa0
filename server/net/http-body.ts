/** RFC 9110 §6.4: what a client sends along with a request. */
import type { IncomingMessage } from 'node:http'

/**
 * The whole of it, or 'too large' as soon as that is known; what is left is not read then, so the connection must be
 * closed. Rejects if the client goes before the end.
 */
export async function readBody(request: IncomingMessage, mostBytes: number): Promise<Buffer | 'too large'> {
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) return 'too large'
  const chunks: Buffer[] = []
  let bytes = 0
  // Nobody has set an encoding, so these are buffers.
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > mostBytes) return 'too large'
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
