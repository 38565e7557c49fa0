/** An XML element with its names resolved: what plays expect and what servers send, made comparable. */
import { NS } from './namespaces.ts'

/** Prefixes and namespace declarations are gone; text and elements are in the order of the document. */
export interface XmlNode {
  readonly name: string
  readonly ns: string
  /** By plain name; by `xml:name` in the namespace of XML, and by `{namespace}name` in any other. */
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly (XmlNode | string)[]
}

/** The key in `attributes` of an attribute that was written with a prefix. */
export function attributeKey(ns: string, name: string): string {
  return ns === NS.xml ? `xml:${name}` : `{${ns}}${name}`
}

/** The children that are elements. */
export function elementsOf(node: XmlNode): readonly XmlNode[] {
  return node.children.filter((child) => typeof child !== 'string')
}

/** The first child of that name. */
export function childOf(node: XmlNode, name: string, ns: string): XmlNode | undefined {
  return elementsOf(node).find((child) => child.name === name && child.ns === ns)
}

/** The text directly inside the element, as if its child elements were not there. */
export function textOf(node: XmlNode): string {
  return node.children.filter((child) => typeof child === 'string').join('')
}

/** True for white space as XML defines it, and for nothing at all. */
export function isBlank(text: string): boolean {
  return /^[ \t\r\n]*$/.test(text)
}

/** Escapes text for both attributes and content. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"'\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`)
}

/** One line of an element as it is shown to people, and the element whose line it is. */
export interface PrintedLine {
  readonly text: string
  readonly depth: number
  /** Absent for a closing tag. */
  readonly node: XmlNode | undefined
}

/** The element as indented lines, attributes sorted, namespaces only where they change. Not meant to be parsed again. */
export function printLines(node: XmlNode, ns: string = NS.client, depth = 0): PrintedLine[] {
  const elements = elementsOf(node)
  const text = textOf(node)
  const tag = `<${node.name}${ns === node.ns ? '' : ` xmlns='${node.ns}'`}${printAttributes(node)}`
  const own = (line: string): PrintedLine => ({ text: `${'  '.repeat(depth)}${line}`, depth, node })
  const content = isBlank(text) ? '' : printText(text)
  if (elements.length === 0) return [own(content === '' ? `${tag}/>` : `${tag}>${content}</${node.name}>`)]
  return [
    own(`${tag}>${content}`),
    ...elements.flatMap((child) => printLines(child, node.ns, depth + 1)),
    { ...own(`</${node.name}>`), node: undefined },
  ]
}

/** The element on one line. */
export function print(node: XmlNode): string {
  return printLines(node)
    .map(({ text }) => text.trimStart())
    .join('')
}

function printAttributes(node: XmlNode): string {
  const names = [...node.attributes.keys()].toSorted()
  return names.map((name) => ` ${printName(name)}='${printText(node.attributes.get(name) ?? '')}'`).join('')
}

const printName = (key: string): string => key.replace(`{${NS.scansion}}`, 'scansion:')

/** Quotation marks are left alone, since `it&#39;s` helps nobody who reads a report. */
function printText(text: string): string {
  return text.replace(/[&<>\t\n\r]/g, (char) => escapeXml(char))
}
