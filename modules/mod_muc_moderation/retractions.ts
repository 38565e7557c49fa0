/** XEP-0424: people take back what they have said themselves. */
import type { ModuleHost } from '../../server/host/host.ts'
import { retractedId, tombstoneOf } from '../../server/protocol/retraction.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import type { GroupMessage } from '../mod_muc/events.ts'
import type { ShownMessage } from '../mod_muc/features/history.ts'
import { bareOf, type Graves, isRetractable } from './graves.ts'

export function setupRetractions(host: ModuleHost<'muc'>, graves: Graves): void {
  /** What messages on their way retract. */
  const targets = new WeakMap<GroupMessage, ShownMessage>()

  host.on('muc/message', (message) => check(message), 'rewrite')
  host.on('muc/message', (message) => bury(message), 'copy')

  /** Only one's own messages can be retracted (§5); one that nobody knows any more is left to the clients. */
  function check(message: GroupMessage): Maybe<undefined> {
    const id = retractedId(message.stanza)
    return id === undefined ? undefined : checkTarget(message, id)
  }

  async function checkTarget(message: GroupMessage, id: string): Promise<undefined> {
    const target = await graves.find(message.room, id)
    if (target === undefined) return
    if (bareOf(target.sender) !== message.occupant.bare.bare) {
      throw new StanzaError('not-allowed', 'You can only retract what you have said yourself')
    }
    if (isRetractable(target.shown)) targets.set(message, target)
  }

  function bury(message: GroupMessage): Maybe<undefined> {
    const target = targets.get(message)
    return target === undefined ? undefined : buryTarget(message, target)
  }

  async function buryTarget({ room, stanza, id }: GroupMessage, target: ShownMessage): Promise<undefined> {
    const retraction = { id: stanza.id ?? id ?? '', at: new Date(host.clock.now()) }
    await graves.bury(room, target, tombstoneOf(target.shown, retraction))
  }
}
