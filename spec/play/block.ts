/** The indented XML of a play, made into what is sent or expected. */
import { NS } from './namespaces.ts'
import { type Placeholder, substitute } from './placeholders.ts'
import type { Block } from './script.ts'
import type { XmlNode } from './xml-node.ts'
import { readFirstElement, XmlError } from './xml-reader.ts'

/** The block holds no well-formed element. */
export class BlockError extends Error {
  override readonly name = 'BlockError'
  /** Of the file, from 1. */
  readonly line: number

  constructor(message: string, line: number, options: ErrorOptions) {
    super(message, options)
    this.line = line
  }
}

export interface ReadElement {
  readonly node: XmlNode
  /** The element as it was written, with its placeholders filled in. */
  readonly source: string
}

/**
 * The first element of a block. What follows it does not count, since some scripts of others have lost a line there.
 * Throws `BlockError`.
 */
export function readElement(block: Block, valueOf: (placeholder: Placeholder) => string): ReadElement {
  const plain = block.text.replace(/<!--.*?-->/gs, (comment) => comment.replace(/[^\n]/g, ''))
  const text = substitute(plain, valueOf)
  try {
    const { node, start, end } = readFirstElement(text, scope)
    return { node, source: text.slice(start, end) }
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    const line = block.line + text.slice(0, error.offset).split('\n').length - 1
    throw new BlockError(error.message, line, { cause: error })
  }
}

/**
 * The bytes of a block that is sent as it stands: without the indentation of its first line, `\xNN` being a byte.
 * Lines are joined by line feeds, but for a line that ends in `\`.
 */
export function readRaw(block: Block, valueOf: (placeholder: Placeholder) => string): Uint8Array {
  const indentation = /^[ \t]*/.exec(block.text)?.[0] ?? ''
  const lines = block.text
    .split('\n')
    .map((line) => (line.startsWith(indentation) ? line.slice(indentation.length) : line))
  const text = substitute(lines.join('\n').replaceAll('\\\n', ''), valueOf)
  const parts = text.split(/\\x([0-9a-fA-F]{2})/)
  return Buffer.concat(parts.map((part, index) => Buffer.from(part, index % 2 === 1 ? 'hex' : 'utf8')))
}

/** What may be used in a block without a declaration. */
const scope = new Map([
  ['', NS.client],
  ['scansion', NS.scansion],
])
