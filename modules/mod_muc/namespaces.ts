/** Namespaces and names of forms that only rooms use. */

/** Ids of messages survive their reflection (XEP-0045 §7.4). */
export const FEATURE_STABLE_ID = 'http://jabber.org/protocol/muc#stable_id'
/** The room itself answers pings of occupants to themselves (XEP-0410 §3.3). */
export const FEATURE_SELF_PING = 'http://jabber.org/protocol/muc#self-ping-optimization'

export const FORM_CONFIG = 'http://jabber.org/protocol/muc#roomconfig'
export const FORM_INFO = 'http://jabber.org/protocol/muc#roominfo'
export const FORM_REGISTER = 'http://jabber.org/protocol/muc#register'
export const FORM_REQUEST = 'http://jabber.org/protocol/muc#request'

/** Asks for one's reserved nickname (XEP-0045 §7.12). */
export const NODE_RESERVED_NICK = 'x-roomuser-item'
/** Asks which namespaces may be used in a room (XEP-0045 §18.1.1). */
export const NODE_TRAFFIC = 'http://jabber.org/protocol/muc#traffic'

/** Versions of affiliations (XEP-0463). */
export const NS_AFFILIATIONS = 'urn:xmpp:muc:affiliations:1'
/** Hats (XEP-0317), which only the room gives out. */
export const NS_HATS = 'urn:xmpp:hats:0'
