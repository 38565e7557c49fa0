/** XEP-0486: avatars of rooms, in a vCard that owners can set (XEP-0054). */
import { createHash } from 'node:crypto'
import { StanzaError } from '../../server/stanza-error.ts'
import { presence } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { parseElement } from '../../server/xml/parse.ts'
import { announceConfiguration } from './configuration.ts'
import { broadcast } from './messages.ts'
import type { InfoField, RoomValue } from './options.ts'
import type { RoomAnswerer, RoomRequest } from './requests.ts'
import type { Room } from './room.ts'

/** The hashes of the images of a room (XEP-0153), so that they are known without its vCard. */
const avatarHashes: RoomValue<readonly string[]> = { key: 'avatar_hashes', initial: [] }

export const avatarAnswerers: readonly RoomAnswerer[] = [
  { type: 'get', ns: NS.vcard, name: 'vCard', answer: readCard },
  { type: 'set', ns: NS.vcard, name: 'vCard', answer: changeCard },
]

/** What `muc#roominfo` tells of the avatar, if there is one. */
export function avatarFields(room: Room): readonly InfoField[] {
  const value = room.get(avatarHashes)
  if (value.length === 0) return []
  const field = { type: 'text-multi', var: 'muc#roominfo_avatarhash', label: 'Avatar', validation: OPEN } as const
  return [{ field, value }]
}

const OPEN = { datatype: 'xs:string', open: true } as const

async function readCard(room: Room, { from }: RoomRequest): Promise<Element> {
  if (room.affiliates.of(from) === 'outcast') throw new StanzaError('forbidden')
  const card = await room.service.stores.vcards.get(room.node)
  return card === undefined ? xml('vCard', { xmlns: NS.vcard }) : parseElement(card)
}

async function changeCard(room: Room, request: RoomRequest): Promise<void> {
  const { from, payload } = request
  if (room.affiliates.of(from) !== 'owner') throw new StanzaError('forbidden', 'Only owners are allowed to set avatars')
  if (room.isLocked) throw new StanzaError('not-allowed', 'Configure the room first')
  const hashes = photosOf(payload).map((photo) => createHash('sha1').update(photo).digest('hex'))
  const card = payload.elements.length === 0 ? undefined : payload.toString()
  // In one turn, and so in one transaction.
  await Promise.all([
    room.service.stores.vcards.set(room.node, card),
    room.setValues(new Map([[avatarHashes.key, hashes]])),
  ])
  request.afterAnswer(() => announceConfiguration(room, [104]))
  // Discouraged (XEP-0486 §5.2), but what older clients look for.
  request.afterAnswer(() => broadcast(room, presence({ from: room.jid.full }, updateElement(hashes[0]))))
}

function photosOf(card: Element): readonly Buffer[] {
  return card.elements
    .filter(({ name, ns }) => name === 'PHOTO' && ns === NS.vcard)
    .map((photo) => Buffer.from(photo.child('BINVAL')?.getText() ?? '', 'base64'))
    .filter((image) => image.length > 0)
}

function updateElement(hash = ''): Element {
  return xml('x', { xmlns: NS.vcardUpdate }, xml('photo', {}, hash))
}
