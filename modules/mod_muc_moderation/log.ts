/** Who has done what to a room, for its admins and for those of the service. */
import { t } from '../../server/config/types.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import { defineForm, renderTable } from '../../server/protocol/data-form.ts'
import { formatDateTime } from '../../server/protocol/date-time.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { parseElement } from '../../server/xml/parse.ts'
import type { ArchiveItem, ArchiveStore } from '../../storage/store.ts'
import type { Act, Administered } from '../mod_muc/events.ts'

const NODE = 'https://madrigal.im/protocol/muc#log'
const NS_LOG = 'https://madrigal.im/protocol/muc#log'

/** Entries that are shown. */
const SHOWN = 200

/** An entry as it is shown. */
const table = defineForm({
  title: 'What was done to this room',
  fields: [
    { type: 'text-single', var: 'when', label: 'When' },
    { type: 'text-single', var: 'who', label: 'Who' },
    { type: 'text-single', var: 'what', label: 'What' },
    { type: 'text-single', var: 'reason', label: 'Reason' },
  ],
})

export function setupLog(host: ModuleHost<'muc'>, log: ArchiveStore, expireSeconds: number): void {
  host.on('muc/administered', note)
  host.every('day', 'expire the log of rooms', async () => {
    if (expireSeconds === Infinity) return
    await log.remove(undefined, { end: new Date(host.clock.now() - expireSeconds * 1000) })
  })

  host.provide('room-command', {
    node: NODE,
    title: 'What was done to this room',
    may: (room, whom) => host.service('muc').isAtLeast(room.affiliates.of(whom), 'admin'),
    run: async (room) => {
      const items = await log.find(room.node, { limit: SHOWN, newestFirst: true })
      return { form: renderTable(table, items.map(lineOf)) }
    },
  })

  host.command({
    name: 'muc log',
    about: 'tells what was done to a room, and by whom, the newest first',
    role: 'admin',
    args: { room: t.jid() },
    async run({ room }, report) {
      const items = await log.find(room.node ?? '', { limit: SHOWN, newestFirst: true })
      const destroyed = await log.find('', { limit: SHOWN, newestFirst: true })
      const all = [...destroyed.filter((item) => elementOf(item).attrs['room'] === room.bare), ...items]
      for (const { when, who, what, reason } of all.map(lineOf)) {
        report(`${when} ${who}: ${what}${reason === '' ? '' : ` (${reason})`}`)
      }
    },
  })

  /** What is stored for a room ends with it: that it was destroyed is stored for the service. */
  function note({ room, by, act, reason }: Administered): void {
    if (room.isLocked) return
    const owner = act.kind === 'destruction' ? '' : room.node
    const element = xml(
      'act',
      { xmlns: NS_LOG, room: room.jid.full, what: wordsFor(act) },
      reason !== undefined && xml('reason', {}, reason),
    )
    const { stored } = log.append(owner, {
      when: new Date(host.clock.now()),
      with: by?.full ?? host.domain,
      stanza: element.toString(),
    })
    host.spawn('note what was done to a room', () => stored)
  }
}

function wordsFor(act: Act): string {
  if (act.kind === 'affiliation') return `${act.whom.full}: ${act.after}, was ${act.before}`
  if (act.kind === 'role') return `${act.nick} (${act.whom.full}): ${act.after}, was ${act.before}`
  if (act.kind === 'configuration') return `configuration: ${act.keys.join(', ')}`
  if (act.kind === 'retraction') return `${act.ids.length} messages of ${act.whom.full} retracted`
  return 'destroyed'
}

function lineOf(item: ArchiveItem) {
  const element = elementOf(item)
  return {
    when: formatDateTime(item.when),
    who: item.with,
    what: element.attrs['what'] ?? '',
    reason: element.child('reason')?.getText() ?? '',
  }
}

function elementOf({ stanza }: ArchiveItem): Element {
  return parseElement(stanza)
}
