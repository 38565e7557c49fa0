/** What is kept for an account, a part at a time, in the format of XEP-0227. */
import type { Jid } from '../../server/jid/jid.ts'
import type { Element } from '../../server/xml/element.ts'

export interface Part {
  /** What its things are called: `contacts`. */
  readonly things: string
  /** Pieces of XML, as children of `<user/>`. */
  write(account: Jid): AsyncIterable<string>
  /**
   * Puts what an element says where it belongs, and gives how many things that are; undefined if the element is not of
   * this part. `list` is the name of the long list that it is in, if it is in one.
   */
  read(account: Jid, element: Element, list: string | undefined): Promise<number> | undefined
}

export const NS_PORTABLE = 'urn:xmpp:pie:0'
