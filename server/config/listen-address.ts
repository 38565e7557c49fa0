/** Addresses to listen on: `5222`, `127.0.0.1:5222`, `[::1]:5222`, `unix:/path`. */
import { isIP, isIPv6 } from 'node:net'

/** A port of an interface (of all if `host` is undefined; 0 is any that is free), or the path of a Unix socket. */
export type ListenAddress = { readonly host: string | undefined; readonly port: number } | { readonly path: string }

/** Undefined if it is no address. */
export function parseListenAddress(written: string | number): ListenAddress | undefined {
  const text = String(written).trim()
  if (text.startsWith('unix:')) return text.length > 5 ? { path: text.slice(5) } : undefined
  const [, bracketed, name, digits] = /^(?:\[([^\]]*)\]:|([^:[\]]+):)?(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65_535) return undefined
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined
  if (name !== undefined && !isHostName(name)) return undefined
  return { host: name, port }
}

/** As it is written in the configuration. */
export function formatListenAddress(address: ListenAddress): string {
  if ('path' in address) return `unix:${address.path}`
  const { host, port } = address
  if (host === undefined) return String(port)
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

function isHostName(name: string): boolean {
  if (isIP(name) !== 0) return true
  // All digits and dots, but no address: a mistake rather than a name.
  return /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(name) && !/^[\d.]+$/.test(name)
}
