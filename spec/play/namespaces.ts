/** The namespaces a client needs to log in and to run a play. */
export const NS = {
  bind: 'urn:ietf:params:xml:ns:xmpp-bind',
  client: 'jabber:client',
  framing: 'urn:ietf:params:xml:ns:xmpp-framing',
  ping: 'urn:xmpp:ping',
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  /** Ours alone: what the prefix `scansion:` stands for in a play. */
  scansion: 'scansion',
  session: 'urn:ietf:params:xml:ns:xmpp-session',
  stanzaErrors: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  stream: 'http://etherx.jabber.org/streams',
  streamErrors: 'urn:ietf:params:xml:ns:xmpp-streams',
  tls: 'urn:ietf:params:xml:ns:xmpp-tls',
  xml: 'http://www.w3.org/XML/1998/namespace',
  xmlns: 'http://www.w3.org/2000/xmlns/',
} as const
