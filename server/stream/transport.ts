/** A wire to a peer: it moves bytes or frames and knows who is at the other end. */

/** What a wire tells about the TLS connection it runs over: enough to bind a login to it (RFC 5929, RFC 9266). */
export interface SecureChannel {
  /** As OpenSSL names it: `TLSv1.3`. */
  readonly protocol: string
  /** The first Finished message of the handshake (RFC 5929 §3). Undefined once the wire is closed. */
  readonly finished: Buffer | undefined
  /** RFC 5705. Undefined once the wire is closed. */
  exportKeyingMaterial(length: number, label: string, context: Buffer): Buffer | undefined
  /** The certificate that we have shown, in DER. */
  readonly certificate: Buffer | undefined
  /** The certificate that the peer has shown, in DER, if an authority that we trust vouches for it. */
  readonly peerCertificate: Buffer | undefined
}

/** Whatever is written in one turn of the event loop leaves together. */
export interface Transport {
  readonly kind: 'tcp' | 'websocket' | 'bosh'
  /** IP address of the peer, or '' for a Unix socket. */
  readonly address: string
  /** True for a peer on this machine (RFC 6890 loopback, Unix sockets). */
  readonly local: boolean
  /** True if it was not counted among the connections of its address: a proxy says it, or it is not tied to one. */
  readonly forwarded: boolean
  /** True if nobody reads along: TLS ends here, or at a proxy of ours. */
  readonly encrypted: boolean
  /** The TLS that ends here. */
  readonly secure: SecureChannel | undefined
  /** Bytes, or as many characters, written and not yet taken by the peer. */
  readonly backlog: number
  /** Where what arrives goes from now on. */
  listener: TransportListener
  write(text: string): void
  /** Stops reading; what has arrived already may still be delivered. */
  pause(): void
  resume(): void
  /** Writes what is waiting, then says that nothing more will come. */
  end(): void
  /** Drops the wire at once. */
  destroy(): void
  /** True if a plain wire can turn to TLS. */
  readonly canStartTls: boolean
  /**
   * Begins TLS on a plain wire after what is waiting has been written (RFC 6120 §5.4.3.3). `domain` is whom the peer
   * wants, if it does not say so in TLS. Rejects if the handshake fails; the wire is closed then.
   */
  startTls(domain: string | undefined): Promise<void>
}

export interface TransportListener {
  onBytes(bytes: Buffer): void
  /** A complete frame, from wires that have them (RFC 7395). */
  onFrame(text: string): void
  /** So many bytes that mean nothing, but that somebody has sent. */
  onIdleBytes(count: number): void
  /** The peer has said that nothing more will come. */
  onWireEnd(): void
  /** The wire is gone. Called once. */
  onWireClosed(): void
}

/** Where what arrives goes until somebody listens. */
export const nobody: TransportListener = {
  onBytes() {},
  onFrame() {},
  onIdleBytes() {},
  onWireEnd() {},
  onWireClosed() {},
}
