/** XEP-0045 §6, XEP-0030: what the service and its rooms tell about themselves. */
import type { IqRequest } from '../../server/host/host.ts'
import type { DiscoNode } from '../../server/host/provisions.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { type Form, renderResult } from '../../server/protocol/data-form.ts'
import { discoInfoElement, type DiscoInfo } from '../../server/protocol/disco-info.ts'
import type { DiscoItem } from '../../server/protocol/disco-items.ts'
import { pageOf, pageSize, readPageRequest, renderPage } from '../../server/protocol/rsm.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { avatarFields } from './avatar.ts'
import type { RoomInfo } from './events.ts'
import { memberInvites } from './features/invites.ts'
import { publicOccupants } from './features/lists.ts'
import { isMembersOnly } from './features/kinds.ts'
import { roomName } from './features/name.ts'
import { passwordOf } from './features/password.ts'
import { isShown } from './features/presence-broadcast.ts'
import { subjectText } from './features/subject.ts'
import { isNonAnonymous } from './features/whois.ts'
import {
  FEATURE_SELF_PING,
  FEATURE_STABLE_ID,
  FORM_INFO,
  FORM_REQUEST,
  NODE_RESERVED_NICK,
  NODE_TRAFFIC,
  NS_AFFILIATIONS,
} from './namespaces.ts'
import type { InfoField } from './options.ts'
import { commandInfo, commandsFor } from './room-commands.ts'
import { isAtLeast } from './privileges.ts'
import type { RoomRequest } from './requests.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import { mayListRooms, type MucService } from './service.ts'

/** Rooms that are listed at a time. */
const PAGE = { usual: 500, limit: 500 }

const ROOM_FEATURES: readonly string[] = [
  NS.muc,
  FEATURE_STABLE_ID,
  FEATURE_SELF_PING,
  NS.discoInfo,
  NS.discoItems,
  NS.occupantId,
  NS.register,
  NS.sid,
  NS.commands,
  NS.ping,
  NS_AFFILIATIONS,
  NS.vcard,
  FORM_REQUEST,
]

export function setupServiceDisco(service: MucService, rooms: Rooms): void {
  const { host, config } = service
  host.provide('identity', { category: 'conference', type: 'text', name: config.name })
  for (const feature of [NS.muc, FEATURE_STABLE_ID, NS.occupantId, NS.discoInfo, NS.discoItems, NS.rsm, NS.vcard]) {
    host.feature(feature)
  }

  host.iq({ type: 'get', ns: NS.discoInfo, name: 'query', at: 'host' }, async ({ payload, from }) => {
    const { node } = payload.attrs
    if (node !== undefined) return discoInfoElement(await known(find(node)?.info(from)), node)
    return discoInfoElement({
      identities: [...host.items('identity')],
      features: [...new Set(host.items('feature'))].toSorted(),
      forms: [...host.items('disco-form')].map((form) => form()),
    })
  })

  host.iq({ type: 'get', ns: NS.discoItems, name: 'query', at: 'host' }, async (request) => {
    const { node } = request.payload.attrs
    return node === undefined
      ? await roomsElement(request)
      : itemsElement(await known(find(node)?.items(request.from)), node)
  })

  function find(node: string): DiscoNode | undefined {
    return [...host.items('disco-node')].find((each) => each.node === node)
  }

  /** §6.3: whoever may not know gets an empty list. */
  async function roomsElement({ payload, from }: IqRequest): Promise<Element> {
    const all = (await mayListRooms(service, from))
      ? [...rooms.listed()].toSorted(([one], [other]) => (one < other ? -1 : 1))
      : []
    const asked = readPageRequest(payload)
    const page = pageOf(all, ([node]) => node, asked, pageSize(asked, PAGE))
    const items = page.items.map(([node, { name }]) => ({ jid: `${node}@${host.domain}`, name: name || undefined }))
    const isWhole = asked === undefined && page.items.length === all.length
    return itemsElement(items, undefined, isWhole ? undefined : renderPage(page))
  }
}

/** §6.4, §7.12, §18.1.1. */
export function answerRoomInfo(room: Room, { payload, from }: RoomRequest): Element {
  const { node } = payload.attrs
  if (node === undefined) return discoInfoElement(roomInfo(room, from))
  if (node === NODE_RESERVED_NICK) return reservedNick(room, from)
  // Whatever is sent to a room is passed on, so there is nothing to list.
  if (node === NODE_TRAFFIC) throw new StanzaError('service-unavailable')
  const info = commandInfo(room, node, from)
  if (info === undefined) throw new StanzaError('item-not-found')
  return discoInfoElement(info, node)
}

/** §6.5: who is in a room is told to those who enter it, and to others only if its owners want that. */
export function answerRoomItems(room: Room, { payload, from }: RoomRequest): Element {
  const { node } = payload.attrs
  if (node === NS.commands) {
    const items = commandsFor(room, from).map((command) => ({
      jid: room.jid.full,
      node: command.node,
      name: command.title,
    }))
    return itemsElement(items, node)
  }
  if (node !== undefined) throw new StanzaError('item-not-found')
  const isTold = room.get(publicOccupants) && room.affiliates.of(from) !== 'outcast'
  const shown = isTold ? [...room.occupants.values()].filter(({ role }) => isShown(room, role)) : []
  return itemsElement(shown.map(({ jid, nick }) => ({ jid: jid.full, name: nick })))
}

function roomInfo(room: Room, asking: Jid): DiscoInfo {
  const { host, options } = room.service
  const told: RoomInfo = {
    room,
    asking,
    features: [...ROOM_FEATURES, ...[...options].flatMap((option) => option.features?.(room.get(option)) ?? [])],
    fields: [...[...options].flatMap((option) => option.info?.(room.get(option)) ?? []), ...stateFields(room, asking)],
    forms: [],
  }
  host.fire('muc/room-info', told)
  const form: Form = { type: FORM_INFO, fields: told.fields.map(({ field }) => field) }
  const values = told.fields.map(({ field, value }) => [field.var, value] as const)
  return {
    identities: [{ category: 'conference', type: 'text', name: room.get(roomName) || room.node }],
    features: told.features,
    forms: [renderResult(form, Object.fromEntries(values)), ...told.forms],
  }
}

/** What is no option; what would tell strangers of those inside is for those who may come in (§14.4). */
function stateFields(room: Room, asking: Jid): readonly InfoField[] {
  const affiliation = room.affiliates.of(asking)
  const isInside = room.sessions.has(asking.full) || isAtLeast(affiliation, 'member')
  const isOpen = passwordOf(room) === undefined && room.roleFor(affiliation) !== undefined
  const mayInvite = !room.get(isMembersOnly) || room.get(memberInvites)
  const fields: InfoField[] = [
    {
      field: { type: 'text-single', var: 'muc#roominfo_occupants', label: 'Occupants' },
      value: String(room.occupants.size),
    },
    {
      field: { type: 'boolean', var: 'muc#roomconfig_allowinvites', label: 'Occupants may invite others' },
      value: mayInvite,
    },
  ]
  fields.push(...avatarFields(room))
  const subject = isInside || isOpen ? subjectText(room) : undefined
  if (subject !== undefined) {
    fields.push({ field: { type: 'text-single', var: 'muc#roominfo_subject', label: 'Subject' }, value: subject })
  }
  if (isNonAnonymous(room) && (isInside || isOpen)) {
    const value = [...room.affiliates.having('owner')].map(([jid]) => room.service.host.parseJid(jid))
    fields.push({ field: { type: 'jid-multi', var: 'muc#roominfo_contactjid', label: 'Owners' }, value })
  }
  return fields
}

function reservedNick(room: Room, asking: Jid): Element {
  const nick = room.affiliates.get(asking.bare)?.nick
  const identities = nick === undefined ? [] : [{ category: 'conference', type: 'text', name: nick }]
  return discoInfoElement({ identities, features: [], forms: [] }, NODE_RESERVED_NICK)
}

async function known<T>(answer: T | Promise<T>): Promise<NonNullable<T>> {
  const value = await answer
  if (value === undefined || value === null) throw new StanzaError('item-not-found')
  return value
}

function itemsElement(items: readonly DiscoItem[], node?: string, set?: Element): Element {
  const lines = items.map((item) => xml('item', { jid: item.jid, node: item.node, name: item.name }))
  return xml('query', { xmlns: NS.discoItems, node }, ...lines, set)
}
