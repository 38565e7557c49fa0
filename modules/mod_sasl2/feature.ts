/** What streams are told of SASL2, and of all that can be asked for along with a login (XEP-0388 §2.2). */
import type { HashedTokenMechanism } from '../../server/auth/sasl/hashed-token.ts'
import type { Offer } from '../../server/auth/sasl/offer.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { written } from '../../server/xml/raw-element.ts'
import { NS_FAST } from './request.ts'
import { NS_UPGRADE, upgradeTasks } from './upgrades.ts'

export function offerAuthentication(
  host: ModuleHost<'saslauth' | 'accounts'>,
  tokenMechanisms: (stream: Stream) => readonly HashedTokenMechanism[],
): void {
  const logins = host.service('saslauth')
  const canUpgrade = host.service('accounts').writable
  // The offer is the same object for all streams in the same situation.
  let made = new WeakMap<Offer, Element>()
  const forget = (): void => {
    made = new WeakMap()
  }
  host.each('bind-feature', () => {
    forget()
    return forget
  })

  host.streamFeature({
    needs: [],
    forbids: ['authenticated'],
    offer(stream) {
      const offer = logins.offer(stream)
      if (stream.needsTls || offer.names.length === 0) return undefined
      const known = made.get(offer)
      if (known !== undefined) return known
      const feature = written(featureOf(stream, offer))
      made.set(offer, feature)
      return feature
    },
  })

  function featureOf(stream: Stream, { names }: Offer): Element {
    const mechanisms = names.map((name) => xml('mechanism', {}, name))
    const switches = [...host.items('bind-feature')].map(({ ns }) => xml('feature', { var: ns }))
    const fast = tokenMechanisms(stream).map(({ name }) => xml('mechanism', {}, name))
    const inline = xml(
      'inline',
      {},
      xml('bind', { xmlns: NS.bind2 }, xml('inline', {}, ...switches)),
      host.optionalService('smacks') !== undefined && xml('sm', { xmlns: NS.sm }),
      fast.length > 0 && xml('fast', { xmlns: NS_FAST }, ...fast),
    )
    // All that there is, whatever the account lacks: nobody is told of it who has not logged in.
    const upgrades = [...upgradeTasks.keys()].map((task) => xml('upgrade', { xmlns: NS_UPGRADE }, task))
    return xml('authentication', { xmlns: NS.sasl2 }, ...mechanisms, inline, ...(canUpgrade ? upgrades : []))
  }
}
