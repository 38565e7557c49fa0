/** IP addresses of peers. */
import { BlockList, isIP, type Socket } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Who is at the other end, in the one form of its address; '' for a Unix socket, and for one that is gone already. */
export function addressOf({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string {
  return normalAddress(remoteAddress) ?? ''
}

/** True for an address, in its one form, that only this machine can have (RFC 6890). */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
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

/** An address in its one form, an IPv4 address in IPv6 (RFC 4291 §2.5.5.2) as IPv4; undefined for what is none. */
export function normalAddress(text: string): string | undefined {
  return isIP(text) === 0 ? undefined : ipaddr.process(text).toString()
}

/** Addresses and ranges of addresses: `192.0.2.1`, `10.0.0.0/8`, `fd00::/8`. */
export class Networks {
  readonly #list = new BlockList()

  /** Throws for what is neither. */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = '', prefix] = network.split('/')
      const family = familyOf(address)
      if (prefix === undefined) this.#list.addAddress(address, family)
      else this.#list.addSubnet(address, Number(prefix), family)
    }
  }

  has(address: string): boolean {
    const normal = normalAddress(address)
    return normal !== undefined && this.#list.check(normal, familyOf(normal))
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}
