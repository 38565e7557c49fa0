/** XEP-0060 §12.5, §12.19, `pubsub#item_expire`: what has an end ends. */
import type { Jid } from '../../server/jid/jid.ts'
import { tellSubscription } from './events.ts'
import type { Node } from './node.ts'
import { purge } from './publishing.ts'
import type { Service } from './service.ts'
import { isOver } from './subscription-options.ts'

/** Ends what somebody has subscribed to for as long as they are there. */
export async function endTemporary(service: Service, who: Jid): Promise<void> {
  const isElsewhere = (service.rules.showsOf?.(who.toBare())?.length ?? 0) > 0
  const gone = isElsewhere ? [who.full] : [who.full, who.bare]
  for (const node of service.nodes) {
    const over = gone.filter((address) => {
      const subscription = node.subscriptions.get(address)
      return subscription !== undefined && (node.config.tempsub || subscription.options.expire === 'presence')
    })
    if (over.length > 0) await end(service, node, over)
  }
}

/** Removes the items of nodes that show nothing while their account is away. */
export async function purgeOffline(service: Service): Promise<void> {
  for (const node of service.nodes) {
    const { purge_offline: isPurged, persist_items: isPersistent } = node.config
    if (isPurged && isPersistent && (await service.items(node)).length > 0) await purge(service, node)
  }
}

/** Removes items and subscriptions whose time is over; nobody has seen them since. */
export async function sweep(service: Service): Promise<void> {
  for (const node of service.nodes) {
    if (node.config.item_expire !== 'max') await node.take(() => service.removeExpired(node))
    const over = [...node.subscriptions].filter(([, { options }]) => isOver(options, service.now))
    if (over.length === 0) continue
    await end(
      service,
      node,
      over.map(([address]) => address),
    )
    for (const [address] of over) tellSubscription(service, node, address, 'none')
  }
}

function end(service: Service, node: Node, addresses: readonly string[]): Promise<void> {
  return service.setSubscriptions(
    node,
    addresses.map((address) => [address, undefined] as const),
  )
}
