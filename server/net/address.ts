/** IP addresses of peers. */
import ipaddr from 'ipaddr.js'

/** True for an address that only this machine can have (RFC 6890). */
export function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback'
}

/**
 * What counts as one peer: an IPv4 address, or the /64 that an IPv6
 * subscriber has. Anything that is no address counts as it is.
 */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const ip = ipaddr.process(address)
  if (ip instanceof ipaddr.IPv4) return ip.toString()
  return ip.toByteArray().slice(0, 8).join('.')
}
