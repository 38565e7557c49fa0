/** XEP-0157: Contact Addresses for XMPP Services. */
import { type Option, t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import type { Jid } from '../server/jid/jid.ts'
import { type Element, xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'

const FORM_TYPE = 'http://jabber.org/network/serverinfo'
const URI = /^[a-z][a-z\d+.-]*:\S+$/i

const addresses = (what: string): Option<readonly string[]> =>
  t
    .list(t.string().refine((text) => URI.test(text), { error: 'expected a URI such as mailto:admin@verona.example' }))
    .default([])
    .describe(`Addresses ${what}, as URIs.`)

/** By the names of the fields, without `-addresses`; in the order of the form. */
const fields = {
  abuse: addresses('for complaints about abuse'),
  admin: addresses('of the admins; if there are none, those of whoever may administer the host'),
  feedback: addresses('for feedback'),
  sales: addresses('for sales and marketing'),
  security: addresses('for security concerns'),
  status: addresses('at which one learns whether the service is running'),
  support: addresses('for support'),
}

export default defineModule({
  name: 'contact_info',
  about: 'tells whom to ask about the service',
  xeps: { 157: '1.1.1' },
  on: ['local', 'muc', 'pubsub'],
  config: fields,

  setup(host, { config }) {
    const admin = config.admin.length > 0 ? config.admin : host.admins.map(uriOf)
    const told = Object.entries({ ...config, admin }).filter(([, uris]) => uris.length > 0)
    if (told.length > 0) host.provide('disco-form', () => formOf(told))
  },
})

function formOf(told: readonly (readonly [string, readonly string[]])[]): Element {
  return xml(
    'x',
    { xmlns: NS.dataForms, type: 'result' },
    xml('field', { type: 'hidden', var: 'FORM_TYPE' }, xml('value', {}, FORM_TYPE)),
    ...told.map(([name, uris]) =>
      xml('field', { type: 'list-multi', var: `${name}-addresses` }, ...uris.map((uri) => xml('value', {}, uri))),
    ),
  )
}

/** RFC 5122 §2. */
function uriOf({ node, domain }: Jid): string {
  return node === undefined ? `xmpp:${domain}` : `xmpp:${encodeURIComponent(node)}@${domain}`
}
