/** XEP-0060 §8.9: whatever owners ask for, a node has an owner, and what was refused is named as it is. */
import * as assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { affiliations } from '../../../modules/mod_pubsub/access.ts'
import { setAffiliations } from '../../../modules/mod_pubsub/managing.ts'
import { typeFilterIn } from '../../../modules/mod_pubsub/type-filter.ts'
import { StanzaError } from '../../../server/stanza-error.ts'
import { type Element, xml } from '../../../server/xml/element.ts'
import { NS } from '../../../server/xml/ns.ts'
import { PubsubWorld, romeo } from './world.ts'

const people = ['juliet@capulet.example', 'romeo@montague.example', 'nurse@capulet.example', 'escalus.example']
const changes = fc.uniqueArray(
  fc.record({ jid: fc.constantFrom(...people), affiliation: fc.constantFrom(...affiliations, 'king') }),
  { selector: ({ jid }) => jid, maxLength: people.length },
)

t.test('a node keeps an owner, and what is not refused is done', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(changes, { maxLength: 5 }), async (requests) => {
      // Nobody but those on the list owns anything.
      const world = await PubsubWorld.open({ isOwner: () => false, mayCreate: () => true })
      const node = await world.service.create('n', romeo, world.rules.defaults)
      for (const request of requests) {
        const before = new Map(node.affiliations)
        const refused = new Map(await refusedOf(world, request))
        assert.ok(node.owners.length > 0)
        for (const { jid, affiliation } of request) {
          const now = node.affiliations.get(jid) ?? 'none'
          assert.equal(now, refused.has(jid) ? (before.get(jid) ?? 'none') : affiliation)
          if (refused.has(jid)) assert.equal(refused.get(jid), now)
        }
      }
    }),
    { numRuns: 60 },
  )
})

t.test('a filter lets through the types that it names, or all others', async () => {
  const types = fc.constantFrom('', 'urn:example:a', 'urn:example:b')
  const world = await PubsubWorld.open()
  const node = await world.service.create('n', romeo, world.rules.defaults)
  fc.assert(
    fc.property(fc.uniqueArray(types), fc.constantFrom('included', 'excluded'), types, (named, how, type) => {
      node.config = { ...node.config, type }
      const values = named.map((value) => xml('value', {}, value))
      const form = xml('x', { xmlns: NS.dataForms, type: 'submit' }, xml('field', { var: `${how}-types` }, ...values))
      const filter = xml('filter', { xmlns: 'urn:xmpp:pubsub-filter:0' }, form)
      const isWanted = typeFilterIn(xml('query', { xmlns: NS.discoItems }, filter))
      assert.equal(isWanted(node), named.includes(type) === (how === 'included'))
    }),
  )
})

/** What the answer names, and as what. */
async function refusedOf(
  { service }: PubsubWorld,
  request: readonly { readonly jid: string; readonly affiliation: string }[],
): Promise<readonly (readonly [string, string])[]> {
  const list = xml('affiliations', { xmlns: NS.pubsubOwner }, ...request.map((each) => xml('affiliation', each)))
  try {
    await setAffiliations(service, service.require('n'), list)
    return []
  } catch (error) {
    if (!(error instanceof StanzaError)) throw error
    return (error.payload?.elements[0]?.elements ?? []).map(namedIn)
  }
}

function namedIn({ attrs }: Element): readonly [string, string] {
  return [attrs['jid'] ?? '', attrs['affiliation'] ?? '']
}
