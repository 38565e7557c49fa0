/** Finds what is wrong with the XML of a play before it runs, with its line. */
import { BlockError, readElement, type ReadElement } from './block.ts'
import { capturesOf, isSteered, patternOf } from './pattern.ts'
import { type Placeholder, placeholdersIn } from './placeholders.ts'
import { type Action, type Block, type Script, ScriptError, staticValueOf } from './script.ts'

/** Throws `ScriptError`. */
export function checkBlocks(script: Script): void {
  const captured = new Set<string>()
  for (const action of script.actions) {
    if (!('block' in action)) continue
    const { block, verb } = action
    const stand = (placeholder: Placeholder): string => standIn(script, placeholder, captured)
    guarded(script, action, () => {
      if (verb === 'sends raw') return void placeholdersIn(block.text).map(stand)
      const read = readElement(block, stand)
      if (verb === 'sends') return checkSent(read)
      for (const name of capturesOf(patternOf(read.node))) captured.add(name)
    })
  }
}

/** Some value of the right form, where the real one is known only in the run. */
function standIn(script: Script, placeholder: Placeholder, captured: ReadonlySet<string>): string {
  if (placeholder.kind !== 'capture') return staticValueOf(script, placeholder) ?? 'romeo@localhost/orchard'
  if (captured.has(placeholder.name)) return 'captured'
  throw new Error(`\${${placeholder.name}}: nothing was captured under this name above`)
}

function checkSent({ node }: ReadElement): void {
  if (isSteered(node)) throw new Error('a sent stanza cannot have scansion: attributes')
}

function guarded(script: Script, action: Action & { readonly block: Block }, check: () => void): void {
  try {
    check()
  } catch (error) {
    if (error instanceof ScriptError || !(error instanceof Error)) throw error
    const line = error instanceof BlockError ? error.line : action.block.line
    throw new ScriptError(script.file, line, error.message, { cause: error })
  }
}
