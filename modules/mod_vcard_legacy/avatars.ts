/** XEP-0084, XEP-0398 §3: avatars in nodes, and as pictures of cards. */
import { createHash } from 'node:crypto'
import type { Jid } from '../../server/jid/jid.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import type { Item, NodeConfig } from '../mod_pubsub/index.ts'
import type { Pep } from '../mod_pep/index.ts'

export const NODE_DATA = 'urn:xmpp:avatar:data'
export const NODE_METADATA = 'urn:xmpp:avatar:metadata'

export interface Picture {
  /** `image/png`. */
  readonly type: string
  /** In base64, without white space. */
  readonly data: string
}

/** The picture in a `<PHOTO/>`; undefined if it holds none that others could show. */
export function pictureIn(photo: Element | undefined): Picture | undefined {
  const data = photo?.child('BINVAL')?.getText().replace(/\s+/g, '')
  const type = photo?.child('TYPE')?.getText().trim().toLowerCase() ?? ''
  if (data === undefined || data === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(data)) return undefined
  return { type: /^(image|video)\/[\w.+-]+$/.test(type) ? type : 'image/png', data }
}

export function photoElement({ type, data }: Picture): Element {
  return xml('PHOTO', {}, xml('TYPE', {}, type), xml('BINVAL', {}, data))
}

/** The hash by which a picture is known. */
export function hashOf({ data }: Picture): string {
  return createHash('sha1').update(Buffer.from(data, 'base64')).digest('hex')
}

/** The avatar that an account shows to somebody, as a picture of a card; undefined if there is none for them. */
export async function avatarFor(pep: Pep, account: Jid, asking: Jid): Promise<Picture | undefined> {
  const info = infoIn(pep, await pep.items(account, NODE_METADATA, asking))
  if (info === undefined) return undefined
  const items = await pep.items(account, NODE_DATA, asking)
  const item = items?.find(({ id }) => id === info.id)
  const data = item && pep.payload(item)?.getText().replace(/\s+/g, '')
  if (data === undefined) return undefined
  const picture = { type: info.type, data }
  return hashOf(picture) === info.id ? picture : undefined
}

/** The hash of the avatar that an account has now. */
export async function avatarHash(pep: Pep, account: Jid): Promise<string | undefined> {
  return infoIn(pep, await pep.items(account, NODE_METADATA))?.id
}

/** Publishes a picture as the avatar of an account, unless it is that already (XEP-0398 §3.2). */
export async function publishAvatar(pep: Pep, account: Jid, picture: Picture, cause: string): Promise<void> {
  const id = hashOf(picture)
  if ((await avatarHash(pep, account)) === id) return
  // Cards are for everybody, and so are their pictures.
  const config: Partial<NodeConfig> = { access_model: 'open' }
  const data = xml('data', { xmlns: NODE_DATA }, picture.data)
  await pep.publish(account, NODE_DATA, { id, payload: data, config, cause })
  const bytes = String(Buffer.from(picture.data, 'base64').length)
  const metadata = xml('metadata', { xmlns: NODE_METADATA }, xml('info', { bytes, id, type: picture.type }))
  await pep.publish(account, NODE_METADATA, { id, payload: metadata, config, cause })
}

/** The account shows none any more (XEP-0084 §3.5). */
export async function disableAvatar(pep: Pep, account: Jid, cause: string): Promise<void> {
  if ((await avatarHash(pep, account)) === undefined) return
  await pep.publish(account, NODE_METADATA, { payload: xml('metadata', { xmlns: NODE_METADATA }), cause })
}

/** Of the formats of the avatar, the one that is in the node and not somewhere else (XEP-0398 §3.1). */
function infoIn(
  pep: Pep,
  items: readonly Item[] | undefined,
): { readonly id: string; readonly type: string } | undefined {
  const last = items?.at(-1)
  const metadata = last && pep.payload(last)
  const info = metadata?.elements.find(({ name, attrs }) => name === 'info' && attrs['url'] === undefined)
  const { id, type = 'image/png' } = info?.attrs ?? {}
  return id !== undefined && /^[0-9a-f]{40}$/i.test(id) ? { id: id.toLowerCase(), type } : undefined
}
