/** XEP-0045: Multi-User Chat. The service: which stanza goes where. */
import type { ModuleHost } from '../../server/host/host.ts'
import { defineModule } from '../../server/host/module.ts'
import { handled, type Handled, type StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Opened } from '../../storage/store.ts'
import { changeList, readList } from './admin.ts'
import { approvalFormIn, takeApproval } from './applications.ts'
import { avatarAnswerers } from './avatar.ts'
import { setupCommands } from './commands.ts'
import { config, type MucConfig } from './config.ts'
import { createAndEnter } from './creation.ts'
import { answerRoomInfo, answerRoomItems, setupServiceDisco } from './disco.ts'
import { absence, inNameOf, inRoom } from './dispatch.ts'
import { HistoryArchive } from './features/history-archive.ts'
import { facadeOf, type MultiUserChat } from './facade.ts'
import { dropIfUnreachable } from './ghosts.ts'
import { invite, passOnRefusal, wishesIn } from './invitations.ts'
import { deliver, requireSession, speak, whisper } from './messages.ts'
import { presetName } from './options.ts'
import { changeRoom, readRoom } from './owner.ts'
import { takePresence } from './presence.ts'
import { Doors } from './rates.ts'
import { changeRegistration, readRegistration } from './registration.ts'
import { Relay } from './relay.ts'
import { answerRequest, type Aside, type RoomAnswerer } from './requests.ts'
import { commandAnswerer } from './room-commands.ts'
import { roomOptions } from './room-options.ts'
import type { Room } from './room.ts'
import { Rooms } from './rooms.ts'
import { type MucService, stores, Tally } from './service.ts'
import { setupSpaces } from './space.ts'
import { takeVoiceForm, voiceFormIn } from './voice.ts'

declare module '../../server/host/module.ts' {
  interface Services {
    muc: MultiUserChat
  }
}

export default defineModule({
  name: 'muc',
  about: 'rooms in which many people talk',
  xeps: { 45: '1.35.5', 77: '2.4', 249: '1.2', 410: '1.1.0', 421: '1.0.1', 486: '0.1.0', 503: '0.3.0' },
  on: [],
  config,
  stores,

  async setup(host, given) {
    const service = serviceOf(host, given)
    const archive = new HistoryArchive(service)
    const rooms = await Rooms.open(service, archive)
    const relay = new Relay()
    for (const option of roomOptions) host.provide('room-option', option)
    for (const answerer of answerers(rooms)) host.provide('room-request', answerer)
    setupServiceDisco(service, rooms)
    setupCommands(service, rooms)
    setupSpaces(host)

    host.on('muc/message', deliver(archive), 'deliver')
    host.provide('room-archive', archive)
    host.on('incoming/presence', presenceArrives)
    host.on('incoming/message', messageArrives)
    host.on('incoming/iq', requestArrives)
    host.defer(() => {
      service.isClosing = true
      return rooms.close()
    })
    return facadeOf(service, rooms)

    function presenceArrives(event: StanzaEvent): Maybe<Handled> {
      const { stanza, to } = event
      if (to.node === undefined) return ignoreOrRefuse(stanza.type === 'error' || stanza.type === 'unavailable')
      return end(
        inRoom<void>(
          rooms,
          event,
          (room) => takePresence(room, event),
          () => {
            if (stanza.type === 'error' || stanza.type === 'unavailable') return undefined
            if (stanza.type === undefined && stanza.has('x', NS.muc)) return createAndEnter(service, rooms, event)
            throw absence(rooms.tombstone(to.node ?? ''))
          },
        ),
      )
    }

    function messageArrives(event: StanzaEvent): Maybe<Handled> {
      const { stanza, to } = event
      if (to.node === undefined) return ignoreOrRefuse(stanza.type === 'error')
      return end(
        inRoom<void>(
          rooms,
          event,
          (room) => messageInRoom(room, event),
          () => absent(event),
        ),
      )
    }

    function messageInRoom(room: Room, event: StanzaEvent): Maybe<void> {
      const { stanza, to } = event
      if (stanza.type === 'error') return dropIfUnreachable(room, event)
      requireOpen(room, event)
      if (to.resource !== undefined) return whisper(room, event)
      if (stanza.type === 'groupchat') return speak(room, event)
      const wishes = wishesIn(event)
      if (wishes?.refusal !== undefined) return passOnRefusal(room, event, wishes.refusal)
      if (wishes !== undefined) return invite(room, event, wishes.invites)
      const form = voiceFormIn(event)
      if (form !== undefined) return takeVoiceForm(room, event, form)
      const approval = approvalFormIn(event)
      if (approval !== undefined) return takeApproval(room, event, approval)
      requireSession(room, event)
      throw new StanzaError('bad-request', 'Messages to a room are of type groupchat')
    }

    function requestArrives(event: StanzaEvent): Maybe<Handled> | undefined {
      if (event.to.node === undefined) return undefined
      const take = (room: Room): Maybe<void | Aside> => {
        requireOpen(room, event)
        return event.to.resource === undefined ? answerRequest(room, event) : relay.take(room, event)
      }
      const taken = inRoom<void | Aside>(rooms, event, take, () => absent(event))
      return end(isPending(taken) ? taken.then((aside) => finish(aside)) : finish(taken))

      function finish(aside: void | Aside): Maybe<void> {
        return aside === undefined ? undefined : inNameOf(event.to.toBare().full, aside)
      }
    }

    function absent({ stanza, to }: StanzaEvent): void {
      if (stanza.type === 'error' || stanza.type === 'result') return
      throw absence(rooms.tombstone(to.node ?? ''))
    }
  },
})

function serviceOf(
  host: ModuleHost,
  given: { readonly config: MucConfig; readonly stores: Opened<typeof stores> },
): MucService {
  // The options of the service have one for each option of rooms; TypeScript cannot see their names.
  const presets: Readonly<Record<string, unknown>> = given.config
  const defaults = new Map(roomOptions.map(({ key }) => [key, presets[presetName(key)]]))
  const options = { [Symbol.iterator]: () => host.items('room-option')[Symbol.iterator]() }
  return { host, ...given, defaults, options, visits: new Tally(), doors: new Doors(), isClosing: false }
}

function answerers(rooms: Rooms): readonly RoomAnswerer[] {
  return [
    { type: 'get', ns: NS.discoInfo, name: 'query', answer: answerRoomInfo },
    { type: 'get', ns: NS.discoItems, name: 'query', answer: answerRoomItems },
    { type: 'get', ns: NS.ping, name: 'ping', answer: () => {} },
    {
      type: 'get',
      ns: NS.mucAdmin,
      name: 'query',
      answer: (room, request) => readList(room, request, request.payload),
    },
    {
      type: 'set',
      ns: NS.mucAdmin,
      name: 'query',
      answer: (room, request) => changeList(room, request, request.payload),
    },
    { type: 'get', ns: NS.mucOwner, name: 'query', answer: readRoom },
    { type: 'set', ns: NS.mucOwner, name: 'query', answer: (room, request) => changeRoom(rooms, room, request) },
    { type: 'get', ns: NS.register, name: 'query', answer: readRegistration },
    { type: 'set', ns: NS.register, name: 'query', answer: changeRegistration },
    ...avatarAnswerers,
    commandAnswerer(),
  ]
}

/** A room that was not configured yet does not exist for others (§7.2.10). */
function requireOpen(room: Room, { from }: StanzaEvent): void {
  if (room.isLocked && room.affiliates.of(from) !== 'owner') throw absence(undefined)
}

/** What is sent to the service itself is nobody's, if it is no request. */
function ignoreOrRefuse(mayIgnore: boolean): Handled {
  if (!mayIgnore) throw new StanzaError('service-unavailable')
  return handled
}

function end(done: Maybe<void>): Maybe<Handled> {
  return isPending(done) ? done.then(() => handled) : handled
}
