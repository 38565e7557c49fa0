/** Elements and texts for the properties of this folder. */
import fc from 'fast-check'
import { type Element, xml } from '../../../server/xml/element.ts'

/** Text that may stand in XML: no control characters, no halves of characters. */
export const xmlText = fc.string({ unit: 'grapheme', maxLength: 12 })

const attributes = [
  'var',
  'type',
  'label',
  'id',
  'by',
  'from',
  'stamp',
  'category',
  'name',
  'node',
  'ver',
  'hash',
  'algo',
  'xml:lang',
]
const values = [
  '',
  '0',
  '1',
  'form',
  'submit',
  'cancel',
  'result',
  'hidden',
  'FORM_TYPE',
  'sha-1',
  'sha-256',
  'romeo@montague.lit',
  '__proto__',
]

/** Trees whose names, namespaces and values are like those that somebody looks for. */
export function anyElement(names: readonly string[], namespaces: readonly string[]): fc.Arbitrary<Element> {
  const value = fc.oneof(fc.constantFrom(...values, ...names), xmlText)
  const attrs = fc.dictionary(fc.constantFrom(...attributes), value, { maxKeys: 4 })
  const { element } = fc.letrec<{ element: Element; child: Element | string }>((tie) => ({
    element: fc
      .tuple(
        fc.constantFrom(...names),
        fc.option(fc.constantFrom(...namespaces), { nil: undefined }),
        attrs,
        fc.array(tie('child'), { maxLength: 6 }),
      )
      .map(([name, xmlns, others, children]) => xml(name, { ...others, xmlns }, ...children)),
    child: fc.oneof({ depthSize: 'small', withCrossShrink: true }, value, tie('element')),
  }))
  return element
}
