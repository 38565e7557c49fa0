/** XEP-0060 §12.19, `pubsub#item_expire`: what has an end ends. */
import { tellSubscription } from './events.ts'
import type { Service } from './service.ts'

/** Removes items and subscriptions whose time is over; nobody has seen them since. */
export async function sweep(service: Service): Promise<void> {
  for (const node of service.nodes) {
    if (node.config.item_expire !== 'max') await node.take(() => service.removeExpired(node))
    const over = [...node.subscriptions].filter(([, { options }]) => (options.expire ?? Infinity) <= service.now)
    if (over.length === 0) continue
    await service.setSubscriptions(
      node,
      over.map(([address]) => [address, undefined] as const),
    )
    for (const [address] of over) tellSubscription(service, node, address, 'none')
  }
}
