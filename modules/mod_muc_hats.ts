/** XEP-0317: Hats. Names for what people are in a room, beyond roles and affiliations, given out by its admins. */
import { createHash } from 'node:crypto'
import { t } from '../server/config/types.ts'
import type { ModuleHost } from '../server/host/host.ts'
import { defineModule } from '../server/host/module.ts'
import type { Jid } from '../server/jid/jid.ts'
import { defineForm, type Form, renderTable } from '../server/protocol/data-form.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { type Element, xml } from '../server/xml/element.ts'
import type { RoomOption, RoomValue } from './mod_muc/options.ts'
import type { CommandOutcome, CommandRequest, RoomCommand } from './mod_muc/room-commands.ts'
import type { Room } from './mod_muc/room.ts'

const NS_HATS = 'urn:xmpp:hats:0'
const FORM_TYPE = 'urn:xmpp:hats:commands'

const MOST_HATS = 100
const MOST_WEARERS = 1000

interface Hat {
  readonly uri: string
  readonly title: string
  /** An angle of XEP-0392, as text; '' for none. */
  readonly hue: string
}

const hats: RoomValue<readonly Hat[]> = { key: 'hats', initial: [] }
/** URIs of hats, by bare JID. */
type Wearers = readonly (readonly [bare: string, uris: readonly string[]])[]
const wearers: RoomValue<Wearers> = { key: 'hat_wearers', initial: [] }

const uriField = { type: 'text-single', var: 'hats#uri', name: 'uri', label: 'Hat URI', required: true } as const
const titleField = {
  type: 'text-single',
  var: 'hats#title',
  name: 'title',
  label: 'Hat Title',
  required: true,
} as const
const hueField = { type: 'text-single', var: 'hats#hue', name: 'hue', label: 'Hat Hue' } as const
const jidField = { type: 'jid-single', var: 'hats#jid', name: 'jid', label: 'User Address', required: true } as const

const creation = defineForm({
  type: FORM_TYPE,
  title: 'Creating a Hat',
  instructions: 'Fill out this form to create a hat.',
  fields: [
    { ...titleField, maxChars: 100 },
    { ...uriField, maxChars: 1000 },
    { ...hueField, maxChars: 20 },
  ],
})
const hatTable = defineForm({ title: 'Hats List', fields: [titleField, uriField, hueField] })
const wearerTable = defineForm({ title: 'Assigned Hats List', fields: [jidField, uriField, titleField, hueField] })

export default defineModule({
  name: 'muc_hats',
  about: 'lets people in rooms wear hats',
  xeps: { 317: '0.3.1' },
  on: ['muc'],
  depends: ['muc'],
  config: { default_enabled: t.boolean().default(true).describe('Whether there may be hats in a new room.') },

  setup(host, { config }) {
    const isEnabled: RoomOption<boolean> = {
      key: 'hats_enabled',
      initial: config.default_enabled,
      section: 'other',
      field: { type: 'boolean', var: 'muc#roomconfig_enable_hats', label: 'People may wear hats' },
      aliases: ['enable_hats'],
      features: (on) => (on ? [NS_HATS] : []),
    }
    host.provide('room-option', isEnabled)
    for (const command of commandsOf(host, isEnabled)) host.provide('room-command', command)

    host.on('muc/show-occupant', (shown) => {
      const { room, occupant } = shown
      if (!room.get(isEnabled)) return
      const worn = hatsOf(room, occupant.bare.bare)
      if (worn.length > 0) shown.stanza = shown.stanza.append(hatsElement(worn))
    })
    host.on('muc/configured', ({ room, keys }) => {
      if (keys.includes(isEnabled.key)) host.spawn('show hats', () => showAll(host, room))
    })
    host.on('muc/room-info', (told) => {
      const known = told.room.get(hats)
      if (!told.room.get(isEnabled) || known.length === 0) return
      const hash = createHash('sha1').update(JSON.stringify(known)).digest('hex')
      const field = { type: 'text-single', var: 'hats#hash', label: 'Hats hash' } as const
      told.fields = [...told.fields, { field, value: hash }]
    })
  },
})

function commandsOf(host: ModuleHost<'muc'>, isEnabled: RoomOption<boolean>): readonly RoomCommand[] {
  const rooms = host.service('muc')
  const isAdmin = (room: Room, whom: Jid) => room.get(isEnabled) && rooms.isAtLeast(room.affiliates.of(whom), 'admin')
  const knows = (room: Room, whom: Jid) => room.get(isEnabled) && isInside(room, whom)
  const isInside = (room: Room, whom: Jid) =>
    room.sessions.has(whom.full) || rooms.isAtLeast(room.affiliates.of(whom), 'member')

  return [
    { node: `${FORM_TYPE}:create`, title: 'Create a hat', may: isAdmin, form: () => creation, run: create },
    { node: `${FORM_TYPE}:destroy`, title: 'Destroy a hat', may: isAdmin, form: destroyForm, run: destroy },
    { node: `${FORM_TYPE}:list`, title: 'List hats', may: knows, run: list },
    {
      node: `${FORM_TYPE}:assign`,
      title: 'Give a hat to somebody',
      may: isAdmin,
      form: (room) => wearerForm('Assigning a Hat', room),
      run: assign,
    },
    {
      node: `${FORM_TYPE}:unassign`,
      title: 'Take a hat away from somebody',
      may: isAdmin,
      form: (room) => wearerForm('Removing a Hat', room),
      run: unassign,
    },
    { node: `${FORM_TYPE}:list-assigned`, title: 'List who wears hats', may: isAdmin, run: listWearers },
  ]

  async function create(room: Room, request: CommandRequest): Promise<void> {
    const { uri, title, hue = '' } = request.values as { uri: string; title: string; hue?: string }
    if (!URL.canParse(uri)) throw new StanzaError('not-acceptable', 'A hat is known by a URI')
    if (hue !== '' && !/^\d{1,3}(\.\d+)?$/.test(hue)) throw new StanzaError('not-acceptable', 'A hue is an angle')
    const others = room.get(hats).filter((hat) => hat.uri !== uri)
    if (others.length >= MOST_HATS) throw new StanzaError('resource-constraint', 'There are too many hats')
    await change(room, request, [...others, { uri, title, hue }], room.get(wearers))
  }

  async function destroy(room: Room, request: CommandRequest): Promise<void> {
    const uri = String(request.values['uri'])
    const others = room.get(hats).filter((hat) => hat.uri !== uri)
    const left = room.get(wearers).map(([bare, uris]) => [bare, uris.filter((one) => one !== uri)] as const)
    await change(room, request, others, left)
  }

  async function assign(room: Room, request: CommandRequest): Promise<void> {
    const { bare, uri } = wearerIn(request)
    const others = room.get(wearers).filter(([wearer]) => wearer !== bare)
    if (others.length >= MOST_WEARERS) throw new StanzaError('resource-constraint', 'Too many people wear hats')
    const uris = new Set([...urisOf(room, bare), uri])
    await change(room, request, room.get(hats), [...others, [bare, [...uris]]])
  }

  async function unassign(room: Room, request: CommandRequest): Promise<void> {
    const { bare, uri } = wearerIn(request)
    const uris = urisOf(room, bare)
    if (!uris.includes(uri)) throw new StanzaError('item-not-found', 'They do not wear that hat')
    const others = room.get(wearers).filter(([wearer]) => wearer !== bare)
    await change(room, request, room.get(hats), [...others, [bare, uris.filter((one) => one !== uri)]])
  }

  function list(room: Room): CommandOutcome {
    return { form: renderTable(hatTable, room.get(hats)) }
  }

  function listWearers(room: Room): CommandOutcome {
    const rows = room
      .get(wearers)
      .flatMap(([bare]) => hatsOf(room, bare).map((hat) => ({ jid: host.parseJid(bare), ...hat })))
    return { form: renderTable(wearerTable, rows) }
  }

  /** Whoever wears something else than before is shown anew (§3.2). */
  async function change(room: Room, request: CommandRequest, known: readonly Hat[], worn: Wearers): Promise<void> {
    const isNewList = known !== room.get(hats)
    const before = new Map([...room.occupants.values()].map((each) => [each, wornText(room, each.bare.bare)]))
    const changes: [string, unknown][] = [
      [hats.key, known],
      [wearers.key, worn.filter(([, uris]) => uris.length > 0)],
    ]
    await room.setValues(new Map(changes))
    request.afterAnswer(async () => {
      if (isNewList) await rooms.announce(room, [104])
      for (const [occupant, text] of before) {
        if (wornText(room, occupant.bare.bare) !== text) await rooms.show(room, occupant)
      }
    })
  }
}

function destroyForm(room: Room): Form {
  const instructions = 'Fill out this form to destroy a hat.'
  return defineForm({ type: FORM_TYPE, title: 'Destroying a Hat', instructions, fields: [choiceOf(room)] })
}

function wearerForm(title: string, room: Room): Form {
  return defineForm({ type: FORM_TYPE, title, fields: [jidField, choiceOf(room)] })
}

function choiceOf(room: Room) {
  const options = room.get(hats).map(({ uri, title }) => ({ value: uri, label: title }))
  return { type: 'list-single', var: 'hats#uri', name: 'uri', label: 'The role', required: true, options } as const
}

function wearerIn({ values }: CommandRequest): { readonly bare: string; readonly uri: string } {
  // Both are required, and have been read as what they are.
  const { jid, uri } = values as { jid: Jid; uri: string }
  return { bare: jid.bare, uri }
}

function urisOf(room: Room, bare: string): readonly string[] {
  return room.get(wearers).find(([wearer]) => wearer === bare)?.[1] ?? []
}

function hatsOf(room: Room, bare: string): readonly Hat[] {
  const uris = urisOf(room, bare)
  return uris.length === 0 ? [] : room.get(hats).filter(({ uri }) => uris.includes(uri))
}

function wornText(room: Room, bare: string): string {
  return JSON.stringify(hatsOf(room, bare))
}

function hatsElement(worn: readonly Hat[]): Element {
  const elements = worn.map(({ uri, title, hue }) => xml('hat', { uri, title, hue: hue || undefined }))
  return xml('hats', { xmlns: NS_HATS }, ...elements)
}

async function showAll(host: ModuleHost<'muc'>, room: Room): Promise<void> {
  const muc = host.service('muc')
  await muc.rooms.use(room, async () => {
    for (const occupant of room.occupants.values()) {
      if (hatsOf(room, occupant.bare.bare).length > 0) await muc.show(room, occupant)
    }
  })
}
