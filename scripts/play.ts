/**
 * Runs plays (spec/README.md) against our server, a clean one for each, or against any other:
 * `npm run play -- [options] [FILE…]`. A folder stands for the plays in it. The last line is `N passed, N failed`.
 */
import { globSync, statSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { ServerAddress } from '../spec/play/connection.ts'
import { type Performance, runAll, type Stage } from '../spec/play/repertoire.ts'
import { defaultRunOptions } from '../spec/play/runner.ts'
import { transports, type TransportName } from '../spec/play/script.ts'
import { PlayHouse } from '../spec/play/play-house.ts'
import { type StorageName, storages } from '../spec/play/server.ts'
import type { TcpEndpoint } from '../spec/play/tcp-wire.ts'

interface Options {
  readonly against?: TcpEndpoint
  readonly tls?: TcpEndpoint
  readonly ws?: string
  readonly storage: readonly StorageName[]
  readonly transport?: readonly TransportName[]
  readonly jobs: number
  readonly timeout: number
  readonly exactType: boolean
  readonly exactText: boolean
}

const program = new Command('play')
  .description('Runs plays against our server, a clean one for each, or against another.')
  .argument('[FILE...]', 'plays, or folders of plays', ['spec/scansion'])
  .option('--against <host:port>', 'a server that runs already, for TCP and STARTTLS', endpoint)
  .option('--tls <host:port>', 'its port for TLS from the start', endpoint)
  .option('--ws <URL>', 'its address for WebSocket; used by default if it is given')
  .option('--storage <names>', `${storages.join(', ')}, or several with commas`, oneOrMore(storages), ['memory'])
  .option('--transport <names>', `${transports.join(', ')}, or several with commas`, oneOrMore(transports))
  .addOption(
    new Option('--jobs <count>', 'how many plays at a time; one by one against a server that runs')
      .default(16)
      .argParser(positive),
  )
  .addOption(
    new Option('--timeout <seconds>', 'for each stanza').default(defaultRunOptions.timeoutSeconds).argParser(positive),
  )
  .option('--exact-type', 'a stanza expected without a type must have none', false)
  .option('--exact-text', 'an element expected without text must have none', false)
  .parse()

await using house = new PlayHouse()
const options = program.opts<Options>()
const files = program.processedArgs.flat().map(String).flatMap(playsAt)
const performances = stagesOf(options).flatMap(([stage, transport]) =>
  files.map((file): Performance => {
    const { timeout, exactType, exactText } = options
    return { file, stage, options: { transport, timeoutSeconds: timeout, exactType, exactText } }
  }),
)
const began = performance.now()
// A server that runs already keeps rooms and archives, so plays would meet on it.
const jobs = isForeign(options) ? 1 : options.jobs
const failed = await runAll(performances, jobs, (line) => console.log(line))
console.log(`${((performance.now() - began) / 1_000).toFixed(1)} s`)
console.log(`${performances.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 || performances.length === 0 ? 1 : 0

function isForeign({ against, tls, ws }: Options): boolean {
  return against !== undefined || tls !== undefined || ws !== undefined
}

/** Every way in which the plays are to be run. */
function stagesOf({ against, tls, ws, ...rest }: Options): readonly (readonly [Stage, TransportName])[] {
  const usual = ws === undefined ? 'tcp' : 'websocket'
  const ways = rest.transport ?? [usual]
  if (!isForeign(options)) {
    return rest.storage.flatMap((storage) =>
      ways.map((way) => [{ kind: 'own', storage, start: house.start }, way] as const),
    )
  }
  const address: ServerAddress = {
    ...(against === undefined ? {} : { tcp: against }),
    ...(tls === undefined ? {} : { tls }),
    ...(ws === undefined ? {} : { webSocketUrl: ws }),
  }
  return ways.map((way) => [{ kind: 'foreign', address }, way] as const)
}

function playsAt(path: string): readonly string[] {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  return isFolder
    ? globSync('**/*.scs', { cwd: path })
        .toSorted()
        .map((file) => `${path}/${file}`)
    : [path]
}

function endpoint(text: string): TcpEndpoint {
  const [, host, port] = /^(?:\[(?=.*\]))?([^\s[\]]+)\]?:(\d{1,5})$/.exec(text) ?? []
  if (host === undefined) throw new InvalidArgumentError('expected host:port')
  return { host, port: Number(port) }
}

function oneOrMore<T extends string>(names: readonly T[]): (text: string) => readonly T[] {
  return (text) =>
    text.split(',').map((word) => {
      const name = names.find((each) => each === word.trim())
      if (name === undefined) throw new InvalidArgumentError(`expected ${names.join(', ')}`)
      return name
    })
}

function positive(text: string): number {
  const number = Number(text)
  if (!(number > 0)) throw new InvalidArgumentError('expected a number above 0')
  return number
}
