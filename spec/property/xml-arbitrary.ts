/** Streams for property tests: as they should be, as they may be, and as they must not be. */
import fc from 'fast-check'

export const HEADER =
  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:h='urn:h' xmlns:p='urn:p' xmlns:q='urn:p'>"

/** Any text that XML can carry. */
export const legalText = fc
  .string({ unit: 'binary', maxLength: 20 })
  .map((text) => text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, ''))

/** What is seldom takes the stanza off the path that most of them go. */
function mostly<T, U>(usual: fc.Arbitrary<T>, seldom: fc.Arbitrary<U>): fc.Arbitrary<T | U> {
  return fc.oneof({ weight: 15, arbitrary: usual }, { weight: 1, arbitrary: seldom })
}

const name = mostly(fc.constantFrom('body', 'x', 'query', '__proto__'), fc.constantFrom('h:y', 'p:z', 'q:z'))
const attributeName = mostly(
  fc.constantFrom('id', 'to', 'type', 'xml:lang', 'a', '__proto__', 'hasOwnProperty'),
  fc.constantFrom('h:b', 'p:c', 'q:c'),
)
const namespace = mostly(
  fc.constantFrom('urn:a', 'http://etherx.jabber.org/streams', ''),
  fc.constantFrom('jabber:client', 'urn&#58;b', 'urn:it&apos;s'),
)
const prefixed = fc.tuple(fc.constantFrom('xmlns:p', 'xmlns:q', 'xmlns:h'), fc.constantFrom('urn:a', 'urn:c'))
const declaration = mostly(fc.tuple(fc.constant('xmlns'), namespace), prefixed).map(([key, ns]) => `${key}="${ns}"`)
const space = mostly(fc.constant(''), fc.constantFrom(' ', '\n', '\r\n\t'))
const someSpace = mostly(fc.constant(' '), fc.constantFrom('\n', '\r\n\t'))
const plainText = legalText.map((text) => text.replace(/[<>&'"\]]/g, ''))
const words = ['&amp;', '&lt;', '&#x1F600;', '&#13;', '&#10;', '&#9;', ']', '>', '\r\n', 'é', '€', '😀']
const piece = fc.oneof(plainText, fc.constantFrom(...words))
const pieces = fc.array(piece, { maxLength: 3 }).map((parts) => parts.join(''))
const value = fc.oneof(
  pieces.map((raw) => `'${raw}'`),
  pieces.map((raw) => `"${raw}'"`),
)
const attribute = fc.oneof(
  fc.tuple(attributeName, space, space, value).map(([key, a, b, quoted]) => `${key}${a}=${b}${quoted}`),
  declaration,
)
const attributes = fc
  .uniqueArray(fc.tuple(someSpace, attribute), {
    maxLength: 4,
    selector: ([, source]) => source.split(/[ =\n\r\t]/)[0],
  })
  .map((list) => list.flat().join(''))
const text = mostly(
  pieces.map((raw) => raw.replaceAll(']]>', '')),
  legalText.map((content) => `<![CDATA[${content.replaceAll(']]>', '')}]]>`),
)

const { element } = fc.letrec<{ element: string; content: string }>((tie) => ({
  content: fc
    .array(fc.oneof({ depthSize: 'small' }, text, tie('element')), { maxLength: 4 })
    .map((parts) => parts.join('')),
  element: fc
    .tuple(name, attributes, space, fc.option(tie('content'), { nil: undefined }))
    .map(([tag, list, end, content]) =>
      content === undefined ? `<${tag}${list}${end}/>` : `<${tag}${list}${end}>${content}</${tag}${end}>`,
    ),
}))

const stanza = fc
  .tuple(
    mostly(fc.constantFrom('message', 'presence', 'iq'), fc.constantFrom('features', 'h:message', 'p:auth')),
    attributes,
    fc.array(fc.oneof(element, text), { maxLength: 4 }),
  )
  .map(([tag, list, children]) => `<${tag}${list}>${children.join('')}</${tag}>`)

/** Streams that are mostly well-formed, but for prefixes that are not declared. */
export const stream = fc
  .tuple(
    fc.constantFrom('', "<?xml version='1.0'?>"),
    fc.array(fc.oneof(stanza, fc.constantFrom(' ', '\n')), { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '</stream:stream>'),
  )
  .map(([declared, children, end]) => Buffer.from(`${declared}${HEADER}${children.join('')}${end}`))

const scraps =
  '< > & ; \' " / = : ]]> <![CDATA[ <!-- <? </ /> &# &amp; <body> </body> <message> </message> </stream:stream>'.split(
    ' ',
  )
const scrap = fc.oneof(
  fc.constantFrom(...scraps, ' ', '\0', '\ufffe', " xmlns='", " xmlns:p='urn:p'").map((word) => Buffer.from(word)),
  fc.uint8Array({ minLength: 1, maxLength: 2 }).map((bytes) => Buffer.from(bytes)),
)
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.nat({ max: 3 }),
  put: fc.option(scrap, { nil: Buffer.alloc(0) }),
})

/** Streams with something cut out, or put in, behind the header. */
export const brokenStream = fc
  .tuple(stream, fc.array(mutation, { minLength: 1, maxLength: 3 }))
  .map(([bytes, mutations]) => {
    const headerEnd = bytes.indexOf('>', bytes.indexOf('<stream')) + 1
    return mutations.reduce((whole, { at, removed, put }) => {
      const place = headerEnd + Math.floor(at * (whole.length - headerEnd))
      return Buffer.concat([whole.subarray(0, place), put, whole.subarray(place + removed)])
    }, bytes)
  })

/** Bytes, and where to cut them. */
export const cut = (bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<{ readonly bytes: Buffer; readonly chunks: Buffer[] }> =>
  fc.tuple(bytes, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 })).map(([whole, cuts]) => {
    const places = [0, ...cuts.map((at) => Math.floor(at * whole.length)).toSorted((a, b) => a - b), whole.length]
    return { bytes: whole, chunks: places.slice(1).map((end, i) => whole.subarray(places[i], end)) }
  })
