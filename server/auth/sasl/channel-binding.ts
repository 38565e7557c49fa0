/** RFC 5056: what ties a login to its TLS channel, so that nobody in the middle can pass it on. */
import { createHash } from 'node:crypto'
import { signatureHash } from './certificate.ts'

export type ChannelBindingType = 'tls-exporter' | 'tls-server-end-point' | 'tls-unique'

/** What must be known of a TLS connection; `tls.TLSSocket` has it all, in almost this form. */
export interface TlsChannel {
  /** Such as `TLSv1.3`. */
  readonly protocol: string
  /** The certificate that we have shown on this connection, in DER; undefined if that is not known. */
  readonly certificate: Buffer | undefined
  /** The first Finished message of the handshake; undefined once the connection is gone. */
  readonly finished: Buffer | undefined
  /** RFC 5705. Undefined once the connection is gone. */
  exportKeyingMaterial(length: number, label: string, context: Buffer): Buffer | undefined
}

/** The types to be announced for a channel, the stronger first (XEP-0440). */
export function bindingTypes(channel: TlsChannel): readonly ChannelBindingType[] {
  return ANNOUNCED.filter((type) => isAvailable[type](channel))
}

/** A type by its name; undefined if we do not know it. */
export function bindingTypeOf(name: string): ChannelBindingType | undefined {
  return TYPES.find((type) => type === name)
}

/** The data of RFC 9266 or RFC 5929; undefined if the channel does not have that type. */
export function channelBinding(channel: TlsChannel, type: ChannelBindingType): Buffer | undefined {
  return isAvailable[type](channel) ? dataOf[type](channel) : undefined
}

const ANNOUNCED: readonly ChannelBindingType[] = ['tls-exporter', 'tls-server-end-point']

/**
 * COMPAT(slixmpp ≤ 1.8, until 2028): clients that know no other type use `tls-unique` on TLS 1.3 too, where RFC 5929 does
 * not define it. Their Finished is as unique there; refusing it would leave them without any way to log in.
 */
const TYPES: readonly ChannelBindingType[] = [...ANNOUNCED, 'tls-unique']

type Of<T> = (channel: TlsChannel) => T

const isAvailable: Readonly<Record<ChannelBindingType, Of<boolean>>> = {
  // Before TLS 1.3 it is unique only with the extended master secret (RFC 9266 §4), and Node does not tell.
  'tls-exporter': ({ protocol }) => protocol === 'TLSv1.3',
  'tls-server-end-point': ({ certificate }) => certificate !== undefined && signatureHash(certificate) !== undefined,
  'tls-unique': ({ finished }) => finished !== undefined,
}

const dataOf: Readonly<Record<ChannelBindingType, Of<Buffer | undefined>>> = {
  'tls-exporter': (channel) => channel.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)),
  'tls-server-end-point': ({ certificate }) => {
    const hash = certificate && signatureHash(certificate)
    return hash && certificate ? createHash(hash).update(certificate).digest() : undefined
  },
  'tls-unique': ({ finished }) => finished,
}
