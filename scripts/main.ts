/** `madrigal`: starts the server, or gives it commands. */
import { Command } from 'commander'
import { VERSION } from '../server/version.ts'
import { configured } from './cli/configured.ts'
import { give } from './cli/give.ts'
import { init } from './cli/init.ts'
import { Refusal } from './cli/refusal.ts'
import { start } from './cli/start.ts'

const program = new Command('madrigal')
  .description('A complete XMPP chat server.')
  .option(
    '-c, --config <file>',
    'the configuration; if not named, madrigal.yaml here or in /etc/madrigal, if there is one',
  )
  .version(VERSION, '-v, --version')
  .showHelpAfterError()
  .addHelpText('after', '\nAny other words are a command for the server: madrigal help lists those.')

program
  .command('start')
  .description('start the server')
  .action(() => start(program.opts<Options>().config))

program
  .command('init')
  .description('write a commented configuration to begin with')
  .argument('[file]', 'where to', 'madrigal.yaml')
  .option('-d, --domain <domain>', 'the domain to serve', 'localhost')
  .action((file: string, { domain }: { domain: string }) => init(file, domain))

program
  .command('check')
  .description('check the configuration')
  .argument('[what]', 'what to check', 'config')
  .action(async () => {
    const { file } = await configured(program.opts<Options>().config)
    process.stdout.write(`${file ?? 'the defaults'}: nothing wrong\n`)
  })

program
  .command('version')
  .description('tell the version')
  .action(() => void process.stdout.write(`${VERSION}\n`))

program
  .command('give', { isDefault: true, hidden: true })
  .argument('<words...>')
  .allowUnknownOption()
  .helpOption(false)
  .helpCommand(false)
  .action((words: readonly string[]) => give(program.opts<Options>().config, words))

interface Options {
  readonly config?: string
}

// No await here: the single executable starts a CommonJS script, which has none at its top.
program
  .helpCommand(false)
  .parseAsync()
  .catch((error: unknown) => {
    if (!(error instanceof Refusal) && !(error instanceof Error && error.name === 'ListenError')) throw error
    process.stderr.write(`madrigal: ${error.message}\n`)
    process.exitCode = 1
  })
