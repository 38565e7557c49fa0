/** XEP-0503 §5.5: a room says which space it is in, if that is on this server. */
import type { ModuleHost } from '../../server/host/host.ts'
import { defineForm, renderResult } from '../../server/protocol/data-form.ts'
import { pubsubNode } from './features/pubsub.ts'

const NS_SPACES = 'urn:xmpp:spaces:0'

const form = defineForm({
  type: NS_SPACES,
  fields: [{ type: 'text-single', var: 'parent', label: 'Space parent' }],
})

export function setupSpaces(host: ModuleHost): void {
  host.on('muc/room-info', (told) => {
    const parent = told.room.get(pubsubNode)
    const place = placeIn(parent)
    // Of a node elsewhere we do not know what it is; clients find it in `muc#roominfo_pubsub`.
    if (place === undefined || host.fireAt(place.domain, 'pubsub/type', { node: place.node }) !== NS_SPACES) return
    told.features = [...told.features, NS_SPACES]
    told.forms = [...told.forms, renderResult(form, { parent })]
  })
}

/** The service and the node that a URI names (XEP-0060 §12.22). */
function placeIn(uri: string): { readonly domain: string; readonly node: string } | undefined {
  const [, domain, query = ''] = /^xmpp:([^/?#@]+)\?([^#]*)$/.exec(uri) ?? []
  const node = query.split(';').find((pair) => pair.startsWith('node='))
  if (domain === undefined || node === undefined) return undefined
  try {
    return { domain: domain.toLowerCase(), node: decodeURIComponent(node.slice('node='.length)) }
  } catch {
    // Written by an owner, and no URI.
    return undefined
  }
}
