/** IP addresses of peers. */
import ipaddr from 'ipaddr.js'

/** True for an address that only this machine can have (RFC 6890). */
export function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback'
}
