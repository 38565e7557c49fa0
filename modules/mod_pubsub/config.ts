/** The options of a host of nodes (`is: pubsub`). */
import { t } from '../../server/config/types.ts'

const MIB = 1024 * 1024

export const config = {
  name: t.string().default('Publish-subscribe').describe('What the service is called.'),
  create_nodes: t
    .oneOf('anyone', 'local', 'admins')
    .default('local')
    .describe('Who may create nodes: anyone, the accounts of this server, or admins only.'),
  auto_create: t
    .boolean()
    .default(false)
    .describe('Whether nodes are made when something is published to them, by those who may create nodes.'),
  expose_publisher: t.boolean().default(false).describe('Whether items name who has published them.'),
  max_nodes: t.integer({ min: 1 }).default(10_000).describe('Nodes of the service.'),
  max_items: t.integer({ min: 1, max: 10_000 }).default(256).describe('Items that a node may be set to keep.'),
  max_subscribers: t.integer({ min: 1 }).default(10_000).describe('Subscribers of a node.'),
  max_size: t
    .size()
    .default(256 * MIB)
    .describe('Items of all nodes together.'),
}
