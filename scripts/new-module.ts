/**
 * Begins a module: `npm run new-module -- carbons 280` writes the module, its spec, its play and its line in the
 * catalogue. All of it passes `npm run check` from the first second.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { xepTitles } from './docs/xep-titles.ts'

const root = join(import.meta.dirname, '..')

const program = new Command('new-module')
  .description('Writes a module to begin with, its spec, its play, and its line in the catalogue.')
  .argument('<name>', 'as it is enabled in the configuration: carbons', nameOf)
  .argument('[xep]', 'the number of the XEP that it implements', numberOf)
  .parse()

const [name, xep] = program.processedArgs as [string, number | undefined]
const title = xep === undefined ? 'What it is, in a sentence, with its source.' : titleOf(xep)
write(`modules/mod_${name}.ts`, moduleText())
write(`spec/modules/mod_${name}.spec.ts`, specText())
write(`spec/scansion/${name}.scs`, playText())
addToCatalogue()
process.stdout.write(
  'Next: make the play say what a client shall see, then the module do it. docs/modules.md tells how.\n',
)

function moduleText(): string {
  const xeps = xep === undefined ? '' : `\n  xeps: { ${xep}: '1.0' },`
  return `/** ${title} */
import { defineModule } from '../server/host/module.ts'

const NS = 'urn:example:${name}'

export default defineModule({
  name: '${name}',
  about: 'does what it says',${xeps}
  on: ['local'],

  setup(host) {
    host.feature(NS)
    host.iq({ type: 'get', ns: NS, name: 'query', at: 'host' }, () => {})
  },
})
`
}

function specText(): string {
  return `import t from 'tap'
import ${name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())} from '../../modules/mod_${name}.ts'

t.test('is declared', async (t) => {
  t.equal(${name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())}.name, '${name}')
})
`
}

function playText(): string {
  return `# ${title}

[Client] Romeo
	jid: romeo@localhost
	password: secret

-----

Romeo connects

Romeo sends:
	<iq type='get' to='localhost' id='q1'>
		<query xmlns='urn:example:${name}'/>
	</iq>

Romeo receives:
	<iq type='result' from='localhost' id='q1'/>
`
}

function addToCatalogue(): void {
  const path = join(root, 'modules/catalogue.ts')
  const lines = readFileSync(path, 'utf8').split('\n')
  const entry = `  mod_${name}: () => import('./mod_${name}.ts'),`
  const first = lines.findIndex((line) => line.startsWith('  mod_'))
  const after = lines.findIndex((line, i) => i >= first && (!line.startsWith('  mod_') || line > entry))
  writeFileSync(path, lines.toSpliced(after, 0, entry).join('\n'))
  process.stdout.write('modules/catalogue.ts has a line more\n')
}

function write(path: string, text: string): void {
  const file = join(root, path)
  if (existsSync(file)) {
    process.stderr.write(`${path} is there already\n`)
    process.exit(1)
  }
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, text)
  process.stdout.write(`${path}\n`)
}

function titleOf(number: number): string {
  const known = xepTitles[number]
  return `XEP-${String(number).padStart(4, '0')}: ${known ?? 'title'}.`
}

function nameOf(text: string): string {
  if (/^[a-z][a-z0-9_]*$/.test(text)) return text
  throw new InvalidArgumentError('a name has small letters, digits and _')
}

function numberOf(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('a XEP has a number')
}
