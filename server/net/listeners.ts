/** Ports and Unix sockets that we listen on. */
import { lstat, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** An address to listen on: a port of an interface, or the path of a Unix socket. */
export type ListenAddress = { readonly host: string | undefined; readonly port: number } | { readonly path: string }

/** Says in the admin's words why we cannot listen. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

const BACKLOG = 4096

/**
 * Listens until disposed; open connections are not touched by that. Throws ListenError. `onError` is told of connections
 * that could not be accepted, as when too many files are open; listening goes on.
 */
export async function listen(
  address: ListenAddress,
  option: string,
  onSocket: (socket: Socket) => void,
  onError: (error: Error) => void = () => {},
): Promise<{ readonly address: string; readonly port: number | undefined } & Disposable> {
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, onSocket)
  await started(server, address, option)
  server.on('error', onError)
  const port = portOf(server)
  return {
    address: describe(port === undefined ? address : { ...address, port }),
    port,
    // What it calls back waits for the connections to end as well.
    [Symbol.dispose]: () => void server.close(),
  }
}

/** The one that was given, if any was free to choose. */
function portOf(server: Server): number | undefined {
  const bound = server.address()
  return bound !== null && typeof bound === 'object' ? bound.port : undefined
}

async function started(server: Server, address: ListenAddress, option: string): Promise<void> {
  if ('path' in address) await makeWay(address.path, option)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  const where = 'path' in address ? address : { port: address.port, ...(address.host && { host: address.host }) }
  server.listen({ ...where, backlog: BACKLOG }, resolve)
  try {
    await promise
  } catch (error) {
    throw new ListenError(explain(error, address, option), { cause: error })
  } finally {
    server.off('error', reject)
  }
}

/** A socket file that a killed process has left behind would be in the way; nothing else is removed. */
async function makeWay(path: string, option: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return
  if (!found.isSocket()) throw new ListenError(`${path} (${option}) is there already, and is no socket`)
  if (await isAnswered(path)) throw new ListenError(`${path} (${option}) is used by another program`)
  await rm(path, { force: true })
}

async function isAnswered(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(path, () => resolve(true))
  socket.on('error', () => resolve(false))
  const answered = await promise
  socket.destroy()
  return answered
}

function explain(error: unknown, address: ListenAddress, option: string): string {
  const where = describe(address)
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'EADDRINUSE':
      return `${where} is taken by another program. Stop it, or choose another port: ${option} in the configuration`
    case 'EACCES':
      return `this user may not listen on ${where}. Choose a port above 1023: ${option} in the configuration`
    case 'EADDRNOTAVAIL':
      return `this machine has no address ${where}. Correct ${option} in the configuration`
    default:
      return `cannot listen on ${where} (${option}): ${String(error)}`
  }
}

/** As in the configuration: `5222`, `127.0.0.1:5222`, `[::1]:5222`, `unix:/path`. */
export function describe(address: ListenAddress): string {
  if ('path' in address) return `unix:${address.path}`
  const { host, port } = address
  if (host === undefined) return `port ${port}`
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
