import fc from 'fast-check'
import t from 'tap'
import {
  capsElement,
  capsNode,
  capsVer,
  readCaps,
  verificationString,
  verifiedInfo,
} from '../../../server/protocol/caps.ts'
import { compareOctets, digest } from '../../../server/protocol/digest.ts'
import { type DiscoInfo, discoInfoElement, readDiscoInfo } from '../../../server/protocol/disco-info.ts'
import {
  capabilityHashes,
  capabilityHashesElement,
  capabilityHashNode,
  hashInput,
  parseCapabilityHashNode,
  readCapabilityHashes,
  verifiedByHash,
} from '../../../server/protocol/ecaps2.ts'
import { NS } from '../../../server/xml/ns.ts'
import type { Element } from '../../../server/xml/element.ts'
import { parseElement } from '../../../server/xml/parse.ts'
import { anyElement, xmlText } from './arbitraries.ts'

const query = (content: string): Element => parseElement(`<query xmlns='${NS.discoInfo}'>${content}</query>`)

const info = (content: string): DiscoInfo => {
  const read = readDiscoInfo(query(content))
  if (read === undefined) throw new Error('the spec itself is wrong')
  return read
}

const features = (...names: readonly string[]): string => names.map((name) => `<feature var='${name}'/>`).join('')

const form = (type: string, fields: Readonly<Record<string, readonly string[]>>): string => {
  const others = Object.entries(fields).map(
    ([name, values]) => `<field var='${name}'>${values.map((value) => `<value>${value}</value>`).join('')}</field>`,
  )
  return `<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>${type}</value></field>${others.join('')}</x>`
}

const capsFeatures = [
  'http://jabber.org/protocol/caps',
  'http://jabber.org/protocol/disco#info',
  'http://jabber.org/protocol/disco#items',
  'http://jabber.org/protocol/muc',
]
const exodus = "<identity category='client' name='Exodus 0.9.1' type='pc'/>" + features(...capsFeatures.toReversed())
const psiForm = form('urn:xmpp:dataforms:softwareinfo', {
  software_version: ['0.11'],
  ip_version: ['ipv6', 'ipv4'],
  os: ['Mac'],
  software: ['Psi'],
  os_version: ['10.5.1'],
})
const psi =
  "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>" +
  "<identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>" +
  features(...capsFeatures) +
  psiForm
const exodusVer = 'QgayPKawpkPSDYmwT/WM94uAlu0='
const psiVer = 'q07IKJEyjvHSyhy//CH0CxmKi8w='
const caps = (ver: string, hash = 'sha-1') => ({ node: 'http://psi-im.org', ver, hash })

t.test('hashes as the examples of XEP-0115 do', async (t) => {
  t.equal(
    verificationString(info(exodus)),
    'client/pc//Exodus 0.9.1<http://jabber.org/protocol/caps<http://jabber.org/protocol/disco#info<' +
      'http://jabber.org/protocol/disco#items<http://jabber.org/protocol/muc<',
  )
  t.equal(capsVer(info(exodus)), exodusVer, '§5.2')
  t.equal(capsVer(info(psi)), psiVer, '§5.3')
  t.equal(capsVer(info(psi), 'sha-256'), digest('sha-256', verificationString(info(psi)) ?? ''))
  t.equal(capsVer(info(psi), 'md5'), undefined)
})

t.test('sorts by octets, and identities by their parts', async (t) => {
  t.same(['\u{fffd}', '\u{1f600}', 'b', 'B', 'ba'].toSorted(compareOctets), ['B', 'b', 'ba', '\u{fffd}', '\u{1f600}'])
  const identities =
    "<identity category='a-b' type='x'/><identity category='a' type='y'/><identity category='a' type='x' name='n'/>"
  t.equal(verificationString(info(identities)), 'a/x//n<a/y//<a-b/x//<')
})

t.test('keeps of an answer what the hash vouches for', async (t) => {
  const unhashed =
    psi.replace("<field var='os'>", "<field var='os' type='text-single' label='Evil'><desc>more evil</desc>") +
    "<x xmlns='jabber:x:data' type='result'><field var='evil'><value>1</value></field></x><evil xmlns='urn:example:evil'/>"
  const verified = verifiedInfo(caps(psiVer), info(unhashed))
  t.ok(verified)
  const text = verified === undefined ? '' : discoInfoElement(verified).toString()
  t.notMatch(text, /evil/i)
  t.match(text, /Ψ 0.11/)
  t.equal(verified && capsVer(verified), psiVer, 'and what is kept has the same hash')

  t.equal(verifiedInfo(caps(exodusVer), info(psi)), undefined, 'another hash')
  t.equal(verifiedInfo(caps(psiVer, 'sha-256'), info(psi)), undefined, 'another function')
  t.equal(verifiedInfo(caps(psiVer, 'rot13'), info(psi)), undefined, 'a function nobody knows')
})

t.test('an ill-formed answer has no hash (XEP-0115 §5.4)', async (t) => {
  const cases: Readonly<Record<string, string>> = {
    'an identity twice': exodus + "<identity category='client' name='Exodus 0.9.1' type='pc'/>",
    'a feature twice': exodus + features('http://jabber.org/protocol/muc'),
    'a form twice': psi + psiForm,
    'two forms of one type': psi + form('urn:xmpp:dataforms:softwareinfo', { os: ['Linux'] }),
    'two values in FORM_TYPE': psi.replace('</value></field>', '</value><value>urn:example:b</value></field>'),
    'no value in FORM_TYPE': psi.replace('<value>urn:xmpp:dataforms:softwareinfo</value>', ''),
    'a field twice': psi.replace('<field ', "<field var='os'><value>Mac</value></field><field "),
    'a field without a name': psi.replace("<field var='os'>", '<field>'),
    'a list of items': psi.replace('</x>', "<item><field var='a'><value>b</value></field></item></x>"),
  }
  for (const [title, content] of Object.entries(cases)) t.equal(verificationString(info(content)), undefined, title)
  t.equal(
    capsVer(info(exodus + "<x xmlns='jabber:x:data' type='result'/>")),
    exodusVer,
    'a form without a type is left out',
  )
  const shown = psiForm.replace(" type='hidden'", " type='text-single'")
  t.equal(capsVer(info(exodus + shown)), exodusVer, 'and so is one whose type is not hidden')
})

t.test('an answer that could be taken for another has no hash (XEP-0115 §9.3)', async (t) => {
  const [first = '', second = '', third = '', fourth = ''] = capsFeatures
  const client = "<identity category='client' name='Exodus 0.9.1' type='pc'/>"
  const forged: Readonly<Record<string, string>> = {
    'features inside a name': `<identity category='client' name='Exodus 0.9.1&lt;${capsFeatures.join('&lt;')}' type='pc'/>`,
    'features inside a feature': client + features(capsFeatures.join('&lt;')),
    'an identity as a feature': features('client/pc//Exodus 0.9.1', ...capsFeatures),
    'the parts of an identity moved':
      "<identity category='client/pc' type='' name='Exodus 0.9.1'/>" + features(...capsFeatures),
    'a feature as an identity':
      client + "<identity category='http:' type='' xml:lang='jabber.org' name='protocol/caps'/>",
    'the last feature as a form': client + features(first, second, third) + form(fourth, {}),
    'two features as a form': client + features(first, second) + form(third, { [fourth]: [] }),
    'three features as a form': client + features(first) + form(second, { [third]: [fourth] }),
  }
  for (const [title, content] of Object.entries(forged)) {
    t.equal(verificationString(info(content)), undefined, title)
    t.equal(verifiedInfo(caps(exodusVer), info(content)), undefined, title)
  }
  const literal = "<identity category='client' type='pc' name='a &amp;lt; b'/>"
  t.equal(verificationString(info(literal)), 'client/pc//a &lt; b<', 'what reads "&lt;" stays as it reads')
})

t.test('of two answers that would be hashed alike, one has no hash', async (t) => {
  const twins: Readonly<Record<string, readonly [string, string]>> = {
    'a slash in a category': [
      "<identity category='a/b' type='c'/>",
      "<identity category='a' type='b' xml:lang='c' name='/'/>",
    ],
    'a slash in a type': [
      "<identity category='a' type='b/c'/>",
      "<identity category='a' type='b' xml:lang='c' name='/'/>",
    ],
    'a slash in a language': [
      "<identity category='a' type='b' xml:lang='c/d'/>",
      "<identity category='a' type='b' xml:lang='c' name='d/'/>",
    ],
    'a category like a scheme': ["<identity category='a:b' type='c'/>", features('a:b/c//')],
    'no category': ["<identity category='' type='b'/>", features('/b//')],
    'no type': ["<identity category='a' type=''/>", features('a///')],
    'a form without values': [form('urn:xmpp:time', { 'vcard-temp': [] }), features('urn:xmpp:time', 'vcard-temp')],
  }
  for (const [title, [one, other]] of Object.entries(twins)) {
    t.ok(
      [one, other].some((content) => verificationString(info(content)) === undefined),
      title,
    )
  }
})

t.test('reads caps, and not those of the old format', async (t) => {
  const read = (attrs: string): unknown =>
    readCaps(parseElement(`<c xmlns='http://jabber.org/protocol/caps' ${attrs}/>`))
  t.same(read(`hash='sha-1' node='http://psi-im.org' ver='${psiVer}'`), caps(psiVer))
  t.equal(read("node='http://psi-im.org' ver='0.9' ext='muc'"), undefined)
  t.equal(read("hash='sha-1' ver='abc'"), undefined)
  t.equal(readCaps(parseElement("<c xmlns='urn:xmpp:caps'/>")), undefined)
  t.equal(readCaps(undefined), undefined)
  t.same(readCaps(capsElement(caps(psiVer))), caps(psiVer))
  t.equal(capsNode(caps(psiVer)), `http://psi-im.org#${psiVer}`)
})

const jabber = (names: string): readonly string[] =>
  names.split(' ').map((name) => `http://jabber.org/protocol/${name}`)

const bombus =
  "<identity category='client' name='BombusMod' type='mobile'/>" +
  features(
    ...jabber('si bytestreams chatstates disco#info disco#items rosterx ibb si/profile/file-transfer'),
    'urn:xmpp:ping',
    'urn:xmpp:time',
    'urn:xmpp:receipts',
    'jabber:x:oob',
    ...['time', 'privacy', 'version', 'roster', 'last'].map((name) => `jabber:iq:${name}`),
  )

const tkabberFeatures = [
  'games:board',
  ...jabber('activity activity+notify bytestreams chatstates commands disco#info disco#items evil feature-neg geoloc'),
  ...jabber('geoloc+notify ibb iqibb mood mood+notify rosterx si si/profile/file-transfer tune'),
  'http://www.facebook.com/xmpp/messages',
  'http://www.xmpp.org/extensions/xep-0084.html#ns-metadata+notify',
  ...'avatar browse dtcp filexfer ibb inband jidlink last oob privacy roster time version'
    .split(' ')
    .map((name) => `jabber:iq:${name}`),
  'jabber:x:data',
  'jabber:x:event',
  'jabber:x:oob',
  ...['avatar:metadata+notify', 'ping', 'receipts', 'time'].map((name) => `urn:xmpp:${name}`),
]
const tkabberForm = form('urn:xmpp:dataforms:softwareinfo', {
  software: ['Tkabber'],
  software_version: ['0.11.1-svn-20111216-mod (Tcl/Tk 8.6b2)'],
  os: ['Windows'],
  os_version: ['XP'],
})
const tkabber =
  "<identity category='client' name='Tkabber' type='pc' xml:lang='en'/>" +
  "<identity category='client' name='Ткаббер' type='pc' xml:lang='ru'/>" +
  features(...tkabberFeatures.toReversed()) +
  tkabberForm

t.test('hashes as the examples of XEP-0390 do', async (t) => {
  t.same(capabilityHashes(info(bombus)), [
    { algorithm: 'sha-256', value: 'kzBZbkqJ3ADrj7v08reD1qcWUwNGHaidNUgD7nHpiw8=' },
    { algorithm: 'sha3-256', value: '79mdYAfU9rEdTOcWDO7UEAt6E56SUzk/g6TnqUeuD9Q=' },
  ])
  t.same(capabilityHashes(info(tkabber)), [
    { algorithm: 'sha-256', value: 'u79ZroNJbdSWhdSp311mddz44oHHPsEBntQ5b1jqBSY=' },
    { algorithm: 'sha3-256', value: 'XpUJzLAc93258sMECZ3FJpebkzuyNXDzRNwQog8eycg=' },
  ])
  const end =
    'client\u{1f}pc\u{1f}en\u{1f}Tkabber\u{1f}\u{1e}client\u{1f}pc\u{1f}ru\u{1f}Ткаббер\u{1f}\u{1e}\u{1c}' +
    'FORM_TYPE\u{1f}urn:xmpp:dataforms:softwareinfo\u{1f}\u{1e}os\u{1f}Windows\u{1f}\u{1e}os_version\u{1f}XP\u{1f}\u{1e}' +
    'software\u{1f}Tkabber\u{1f}\u{1e}software_version\u{1f}0.11.1-svn-20111216-mod (Tcl/Tk 8.6b2)\u{1f}\u{1e}\u{1d}\u{1c}'
  t.ok(hashInput(info(tkabber))?.toString().endsWith(`time\u{1f}\u{1c}${end}`))
})

t.test('the language of the stanza counts as that of its identities', async (t) => {
  const german = readDiscoInfo(query("<identity category='client' type='pc'/>"), 'de')
  const explicit = info("<identity category='client' type='pc' xml:lang='de'/>")
  t.same(german && hashInput(german), hashInput(explicit))
  t.not(capsVer(explicit), german && capsVer(german), 'though not in XEP-0115')
})

t.test('an answer with anything besides has no capability hash (XEP-0390 §4.1)', async (t) => {
  t.equal(hashInput(info(`${tkabber}<evil xmlns='urn:example:evil'/>`)), undefined)
  t.equal(hashInput(info(`${tkabber}<x xmlns='jabber:x:data' type='result'/>`)), undefined)
  t.equal(hashInput(info(tkabber.replace('</x>', '<reported/></x>'))), undefined)
  t.equal(hashInput(info(tkabber.replace(" type='hidden'", ''))), undefined)
})

t.test('verifies capability hashes with functions that are trusted', async (t) => {
  const [hash] = capabilityHashes(info(tkabber)) ?? []
  t.ok(hash && verifiedByHash(hash, info(tkabber)))
  t.equal(hash && verifiedByHash(hash, info(bombus)), undefined)
  t.equal(hash && verifiedByHash({ ...hash, algorithm: 'sha-512' }, info(tkabber)), undefined)
  const weak = capabilityHashes(info(tkabber), ['sha-1'])?.[0]
  t.ok(weak)
  t.equal(weak && verifiedByHash(weak, info(tkabber)), undefined)
})

t.test('capability hashes and their nodes are read as they are written', async (t) => {
  const hashes = capabilityHashes(info(bombus)) ?? []
  t.same(readCapabilityHashes(capabilityHashesElement(hashes)), hashes)
  const [hash = { algorithm: '', value: '' }] = hashes
  t.equal(capabilityHashNode(hash), 'urn:xmpp:caps#sha-256.kzBZbkqJ3ADrj7v08reD1qcWUwNGHaidNUgD7nHpiw8=')
  t.same(parseCapabilityHashNode(capabilityHashNode(hash)), hash)
  t.same(parseCapabilityHashNode('urn:xmpp:caps#a.b.Zm9v'), { algorithm: 'a.b', value: 'Zm9v' })
  for (const node of ['', 'urn:xmpp:caps#', 'urn:xmpp:caps#sha-256', 'http://psi-im.org#0.11']) {
    t.equal(parseCapabilityHashNode(node), undefined, node)
  }
  const many = `<c xmlns='urn:xmpp:caps'>${"<hash xmlns='urn:xmpp:hashes:2' algo='x'>y</hash>".repeat(1000)}</c>`
  t.equal(readCapabilityHashes(parseElement(many)).length, 16)
})

t.test('disco answers are read as they are written', async (t) => {
  const element = discoInfoElement(info(psi), 'http://psi-im.org#0.11')
  t.equal(element.attrs['node'], 'http://psi-im.org#0.11')
  t.equal(capsVer(readDiscoInfo(parseElement(element.toString())) ?? info('')), psiVer)
  t.equal(readDiscoInfo(parseElement("<query xmlns='jabber:iq:version'/>")), undefined)
  t.equal(readDiscoInfo(query("<identity category='client'/>")), undefined)
  t.equal(readDiscoInfo(query('<feature/>')), undefined)
  t.equal(readDiscoInfo(query("<feature var='a'/>".repeat(1001))), undefined, 'too much')
  t.same(info("<feature var='a'/><feature xmlns='urn:example:b' var='b'/>").features, ['a'])
})

const namespaces = [
  NS.discoInfo,
  'jabber:x:data',
  'urn:xmpp:caps',
  'urn:xmpp:hashes:2',
  'http://jabber.org/protocol/caps',
]

t.test('any element can be read', async () => {
  const elements = anyElement(['query', 'identity', 'feature', 'x', 'field', 'value', 'c', 'hash'], namespaces)
  fc.assert(
    fc.property(elements, (element) => {
      readCaps(element)
      readCapabilityHashes(element)
      const read = readDiscoInfo(element)
      if (read === undefined) return
      capsVer(read)
      hashInput(read)
    }),
  )
})

t.test('the order in which something is said does not change its hashes', async () => {
  const infos = fc.record({
    identities: fc.array(fc.record({ category: xmlText, type: xmlText, name: xmlText, lang: xmlText }), {
      maxLength: 4,
    }),
    features: fc.array(xmlText, { maxLength: 6 }),
  })
  fc.assert(
    fc.property(infos, ({ identities, features: names }) => {
      const one: DiscoInfo = { identities, features: names, forms: [] }
      const other: DiscoInfo = { identities: identities.toReversed(), features: names.toReversed(), forms: [] }
      return capsVer(one) === capsVer(other) && hashInput(one)?.toString() === hashInput(other)?.toString()
    }),
  )
})

t.test('no two infos of identities and features share a verification string', async () => {
  const part = fc.string({ unit: fc.constantFrom('a', '/', '<', ':'), maxLength: 4 })
  const infos = fc.record({
    identities: fc.array(fc.record({ category: part, type: part, name: part, lang: part }), { maxLength: 2 }),
    features: fc.array(part, { maxLength: 3 }),
    forms: fc.constant([]),
  })
  const seen = new Map<string, string>()
  fc.assert(
    fc.property(infos, (one) => {
      const text = verificationString(one)
      if (text === undefined) return true
      const meaning = hashInput(one)?.toString() ?? ''
      const before = seen.get(text) ?? meaning
      seen.set(text, meaning)
      return before === meaning
    }),
    { numRuns: 2000 },
  )
})
