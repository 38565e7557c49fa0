/** Reads plays: text → `Script`. Everything that is wrong is found here, with its line, before anyone connects. */
import { checkBlocks } from './check-blocks.ts'
import { isIndented, isMeaningful, isSeparator, type Line, linesOf } from './lines.ts'
import { parseCast } from './parse-cast.ts'
import {
  type Action,
  blockVerbs,
  type Block,
  type Character,
  conditionVerbs,
  plainVerbs,
  type Script,
  ScriptError,
} from './script.ts'

/** Throws `ScriptError`. */
export function parseScript(text: string, file: string): Script {
  const lines = linesOf(text)
  const separator = lines.findIndex(isSeparator)
  if (separator === -1) throw new ScriptError(file, lines.length, 'no line of dashes divides the cast from the actions')
  const header = lines.slice(0, separator)
  const { characters, absent } = parseCast(header.filter(isMeaningful), file)
  const actions = parseActions(lines.slice(separator + 1), characters, file)
  const script = { file, title: titleOf(header), characters, absent, actions, config: configOf(header), text }
  checkBlocks(script)
  return script
}

function titleOf(header: readonly Line[]): string {
  return header.find(({ text }) => text.startsWith('#'))?.text.replace(/^#+[ \t]*/, '') ?? ''
}

/** What stands behind each `## config:`, one line for each. */
function configOf(header: readonly Line[]): string {
  return header.flatMap(({ text }) => /^##[ \t]*config:[ \t]*(.*)$/.exec(text)?.[1] ?? []).join('\n')
}

function parseActions(lines: readonly Line[], characters: ReadonlyMap<string, Character>, file: string): Action[] {
  const actions: Action[] = []
  const starts = lines.flatMap((line, index) => (isMeaningful(line) && !isIndented(line) ? [index] : []))
  const stray = lines.slice(0, starts[0]).find(isMeaningful)
  if (stray !== undefined) throw new ScriptError(file, stray.number, 'an indented line that belongs to no action')
  for (const [index, start] of starts.entries()) {
    const [line, ...below] = lines.slice(start, starts[index + 1])
    if (line === undefined) continue
    actions.push(parseAction(line, blockOf(below), characters, file))
  }
  return actions
}

function parseAction(
  line: Line,
  block: Block | undefined,
  characters: ReadonlyMap<string, Character>,
  file: string,
): Action {
  const fail = (problem: string): never => {
    throw new ScriptError(file, line.number, problem)
  }
  const text = line.text.trim()
  const character = longestNameIn(text, characters)
  if (character === undefined) return fail(`begins with no character of this play: ${text}`)
  const said = text.slice(character.name.length).trim().replaceAll(/\s+/g, ' ')
  const common = { line: line.number, character }

  const verb = said.replace(/ ?:$/, '').replace(/^receives ?: ?nothing$/, 'receives nothing')
  const plain = plainVerbs.find((each) => each === verb)
  if (plain !== undefined)
    return block === undefined ? { ...common, verb: plain } : fail(`nothing belongs below “${plain}”`)
  const withBlock = blockVerbs.find((each) => each === verb)
  if (withBlock !== undefined) {
    return block === undefined
      ? fail(`${withBlock} what? An indented block is missing`)
      : { ...common, verb: withBlock, block }
  }
  const withCondition = conditionVerbs.find((each) => said.startsWith(`${each}:`))
  if (withCondition === undefined) return fail(`unknown action: ${said}`)
  const condition = said.slice(withCondition.length + 1).trim()
  if (!/^[a-z-]+$/.test(condition))
    return fail(`${withCondition}: expected the name of a condition, not “${condition}”`)
  return block === undefined
    ? { ...common, verb: withCondition, condition }
    : fail(`nothing belongs below “${withCondition}”`)
}

/** Bob's phone is not Bob. */
function longestNameIn(text: string, characters: ReadonlyMap<string, Character>): Character | undefined {
  const named = [...characters.values()].filter(({ name }) => text.startsWith(`${name} `))
  return named.toSorted((a, b) => b.name.length - a.name.length)[0]
}

/** Comments are dropped, XML comments too, but their lines stay, so that places in the text can be told. */
function blockOf(lines: readonly Line[]): Block | undefined {
  const first = lines.findIndex((line) => isIndented(line) && line.text.trim() !== '')
  const start = lines[first]
  if (start === undefined) return undefined
  const text = lines
    .slice(first)
    .map((line) => (isIndented(line) ? line.text : ''))
    .join('\n')
    .trimEnd()
  return { line: start.number, text }
}
