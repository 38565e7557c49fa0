import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { toVcard4, toVcardTemp } from '../../../modules/mod_vcard_legacy/card-mapping.ts'
import { type Element, xml } from '../../../server/xml/element.ts'
import { parseElement } from '../../../server/xml/parse.ts'

const word = fc
  .string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
  .map((text) => text.trim())
  .filter((text) => text !== '')

const flags = (...names: readonly string[]): fc.Arbitrary<readonly Element[]> =>
  fc.subarray([...names]).map((chosen) => chosen.map((name) => xml(name, {})))

const parts = (...names: readonly string[]): fc.Arbitrary<readonly Element[]> =>
  fc
    .tuple(...names.map(() => fc.option(word, { nil: '' })))
    .map((texts) => names.map((name, place) => xml(name, {}, texts[place])))

const texts = (name: string): fc.Arbitrary<Element> => word.map((text) => xml(name, {}, text))

/** Properties that both formats have, as the old one writes them. */
const properties: readonly fc.Arbitrary<Element>[] = [
  ...['NICKNAME', 'BDAY', 'JABBERID', 'TZ', 'TITLE', 'ROLE', 'DESC', 'PRODID', 'UID', 'URL'].map(texts),
  parts('FAMILY', 'GIVEN', 'MIDDLE', 'PREFIX', 'SUFFIX').map((names) => xml('N', {}, ...names)),
  fc
    .tuple(flags('HOME', 'WORK', 'PREF'), parts('POBOX', 'EXTADD', 'STREET', 'LOCALITY', 'REGION', 'PCODE', 'CTRY'))
    .map(([types, lines]) => xml('ADR', {}, ...types, ...lines)),
  fc
    .tuple(flags('HOME', 'WORK', 'VOICE', 'FAX', 'PAGER', 'MSG', 'CELL', 'VIDEO', 'PREF'), word)
    .filter(([, number]) => !number.startsWith('tel:'))
    .map(([types, number]) => xml('TEL', {}, ...types, xml('NUMBER', {}, number))),
  fc
    .tuple(flags('HOME', 'WORK', 'PREF'), word)
    .map(([types, address]) => xml('EMAIL', {}, ...types, xml('INTERNET', {}), xml('USERID', {}, address))),
  fc
    .tuple(word, fc.array(word, { maxLength: 2 }))
    .map(([name, units]) => xml('ORG', {}, xml('ORGNAME', {}, name), ...units.map((unit) => xml('ORGUNIT', {}, unit)))),
  fc
    .array(word, { minLength: 1, maxLength: 3 })
    .map((words) => xml('CATEGORIES', {}, ...words.map((each) => xml('KEYWORD', {}, each)))),
  fc
    .tuple(fc.float({ noNaN: true }), fc.float({ noNaN: true }))
    .map(([latitude, longitude]) =>
      xml('GEO', {}, xml('LAT', {}, String(latitude)), xml('LON', {}, String(longitude))),
    ),
]

const cards = fc
  .tuple(texts('FN'), fc.array(fc.oneof(...properties), { maxLength: 6 }))
  .map(([name, others]) => xml('vCard', { xmlns: 'vcard-temp' }, name, ...others))

t.test('what both formats know goes there and back', async () => {
  fc.assert(
    fc.property(cards, (card) => {
      const text = card.toString()
      const there = parseElement(toVcard4(parseElement(text)).toString())
      assert.equal(there.ns, 'urn:ietf:params:xml:ns:vcard-4.0')
      assert.equal(toVcardTemp(there).toString(), text)
    }),
  )
})

t.test('a card of the new format has a name', async (t) => {
  const empty = toVcard4(parseElement("<vCard xmlns='vcard-temp'><FN/></vCard>"))
  t.equal(empty.toString(), "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text/></fn></vcard>")
})

t.test('what makes no sense there is left out', async (t) => {
  const old = parseElement(
    "<vCard xmlns='vcard-temp'><FN>R</FN><TEL><HOME/></TEL><EMAIL/><GEO><LAT>1</LAT></GEO><ORG/><MAILER>x</MAILER>" +
      "<PHOTO><BINVAL>AAAA</BINVAL></PHOTO><NICKNAME xmlns='urn:example:other'>no</NICKNAME></vCard>",
  )
  t.equal(
    toVcard4(old)
      .elements.map(({ name }) => name)
      .join(' '),
    'fn',
  )
  const newer = parseElement(
    "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>R</text></fn><impp><uri>sip:r@x</uri></impp><tel/><geo><uri>here</uri></geo><photo><uri>x</uri></photo></vcard>",
  )
  t.equal(
    toVcardTemp(newer)
      .elements.map(({ name }) => name)
      .join(' '),
    'FN',
  )
})

t.test('notes of either name become a description', async (t) => {
  const old = parseElement("<vCard xmlns='vcard-temp'><FN>R</FN><NOTE>In love</NOTE></vCard>")
  t.equal(toVcardTemp(toVcard4(old)).child('DESC')?.getText(), 'In love')
})
