/** The nodes of accounts: read when first asked for, and kept at hand. */
import { LRUCache } from 'lru-cache'
import type { ModuleHost } from '../../server/host/host.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import type { Service } from '../mod_pubsub/index.ts'

/** Accounts without sessions whose nodes are kept at hand. */
const AT_HAND = 2000

export interface AccountNodes {
  /** Of the account with that node, if they are at hand. */
  readonly at: (node: string) => Service | undefined
  /** Does something with them; while that lasts there is no other object for the same account. */
  readonly use: <T>(node: string, act: (service: Service) => Maybe<T>) => Promise<T>
}

/** `open` reads the nodes of an account. */
export function keepNodes(host: ModuleHost, open: (node: string) => Promise<Service>): AccountNodes {
  const inUse = new Map<Service, number>()
  const loading = new Map<string, Promise<Service>>()
  const idle = new LRUCache<string, Service>({
    max: AT_HAND,
    dispose(service, node, reason) {
      // Its changes would be unknown to the next one.
      if (reason === 'evict' && inUse.has(service)) queueMicrotask(() => idle.set(node, service))
    },
  })
  // An account with sessions has its nodes with it, however many others there are.
  const held = host.accountSlot('nodes', (): { service: Service | undefined } => ({ service: undefined }))

  host.on('session/binding', async ({ account }) => {
    const holder = held(account)
    holder.service ??= await of(account.jid.node ?? '')
  })
  host.on('session/closed', ({ session: { account } }) => {
    const { service } = held(account)
    if (account.size === 0 && service !== undefined) idle.set(account.jid.node ?? '', service)
  })

  return {
    at,
    async use(node, act) {
      const service = await of(node)
      inUse.set(service, (inUse.get(service) ?? 0) + 1)
      try {
        return await act(service)
      } finally {
        const others = (inUse.get(service) ?? 1) - 1
        if (others > 0) inUse.set(service, others)
        else inUse.delete(service)
      }
    },
  }

  function at(node: string): Service | undefined {
    const account = host.account(`${node}@${host.domain}`)
    const service = (account && held(account).service) ?? idle.get(node)
    return service?.isStale === true ? undefined : service
  }

  function of(node: string): Maybe<Service> {
    return at(node) ?? loading.get(node) ?? load(node)
  }

  async function load(node: string): Promise<Service> {
    const opened = open(node).finally(() => loading.delete(node))
    loading.set(node, opened)
    const service = await opened
    const account = host.account(`${node}@${host.domain}`)
    if (account !== undefined) held(account).service = service
    idle.set(node, service)
    return service
  }
}
