/** XEP-0221: Data Forms Media Element. A picture or sound that a field is about. */
import { type Element, xml } from '../xml/element.ts'

export const NS_MEDIA = 'urn:xmpp:media-element'

export interface Media {
  /** Where the same data lies, in one or more formats; `cid:` names data as in XEP-0231. */
  readonly uris: readonly { readonly uri: string; readonly type: string }[]
  readonly widthPixels?: number
  readonly heightPixels?: number
}

export function mediaElement({ uris, widthPixels, heightPixels }: Media): Element {
  const size = { width: widthPixels?.toString(), height: heightPixels?.toString() }
  return xml('media', { xmlns: NS_MEDIA, ...size }, ...uris.map(({ uri, type }) => xml('uri', { type }, uri)))
}
