/** Commands that work on the server as a whole. */
import { t } from '../config/types.ts'
import type { Fields } from '../config/option.ts'
import { formatDuration } from '../config/units.ts'
import type { HostHooks } from '../host/events.ts'
import type { Served } from '../host/host-set.ts'
import type { AnyModule } from '../host/module.ts'
import { stage } from '../host/stages.ts'
import type { Reloaded, Server } from '../server.ts'
import { VERSION } from '../version.ts'
import { usageOf } from './arguments.ts'
import { type AnyCommand, type Command, CommandError } from './command.ts'
import type { CommandRegistry } from './command-registry.ts'

/** What the commands need besides the server. */
export interface CommandSurroundings {
  readonly server: Server
  readonly commands: CommandRegistry
  /** Reads the configuration again and applies it. Throws CommandError if it is wrong. */
  reload(): Promise<Reloaded>
  /** Stops the server and the process. */
  stop(): void
  /** The code of a module as it is now on disk; undefined if there is no such module. */
  moduleAnew(name: string): Promise<AnyModule | undefined>
}

export function serverCommands({
  server,
  commands,
  reload,
  stop,
  moduleAnew,
}: CommandSurroundings): readonly AnyCommand[] {
  const served = (domain: string): Served => {
    const found = server.hosts.get(domain)
    if (found === undefined) throw new CommandError(`there is no host ${domain} here`)
    return found
  }

  return [
    command({
      name: 'help',
      about: 'lists all commands',
      role: 'operator',
      args: {},
      run(_, report) {
        const lines = new Map(commands.all.map(({ command: it }) => [it.name, `${usageOf(it).padEnd(48)} ${it.about}`]))
        for (const name of [...lines.keys()].toSorted()) report(lines.get(name) ?? '')
      },
    }),
    command({
      name: 'status',
      about: 'tells how the server is',
      role: 'operator',
      args: {},
      run(_, report) {
        const uptime = Math.floor((server.clock.now() - server.startedAt) / 1000)
        report(`Madrigal ${VERSION}, up for ${formatDuration(uptime)}`)
        report(
          `${server.front.streams.size} connections, ${Math.round(process.memoryUsage.rss() / 1_048_576)} MB of memory`,
        )
        for (const { host, loader } of server.hosts.all) {
          const sessions = [...host.directory.accounts].reduce((sum, { size }) => sum + size, 0)
          const people = host.kind === 'local' ? `, ${sessions} clients` : ''
          report(`${host.domain} (${host.kind}): ${loader.modules.length} modules${people}`)
        }
        for (const { entrance, address } of server.front.listeners) report(`listening on ${address} (${entrance})`)
      },
    }),
    command({
      name: 'module list',
      about: 'lists the modules of a host',
      role: 'operator',
      args: { domain: t.domain() },
      run({ domain }, report) {
        for (const { name, about } of served(domain).loader.modules) report(`${name.padEnd(16)} ${about}`)
      },
    }),
    command({
      name: 'module load',
      about: 'loads a module on a host until the next start',
      role: 'operator',
      args: { domain: t.domain(), name: t.string() },
      async run({ domain, name }, report) {
        const module = server.hosts.module(name)
        if (module === undefined) throw new CommandError(`there is no module ${name}`)
        await served(domain).loader.load(module)
        report(`${name} loaded on ${domain}`)
      },
    }),
    command({
      name: 'module unload',
      about: 'unloads a module, and those that use it',
      role: 'operator',
      args: { domain: t.domain(), name: t.string() },
      async run({ domain, name }, report) {
        const unloaded = await served(domain).loader.unload(name)
        if (unloaded.length === 0) throw new CommandError(`${name} is not loaded on ${domain}`)
        report(`unloaded: ${unloaded.map((module) => module.name).join(', ')}`)
      },
    }),
    command({
      name: 'module reload',
      about: 'loads the code of a module anew',
      role: 'operator',
      args: { domain: t.domain(), name: t.string() },
      async run({ domain, name }, report) {
        const module = await moduleAnew(name)
        if (module === undefined || module.scope !== 'host') throw new CommandError(`there is no module ${name}`)
        await served(domain).loader.reload(module)
        report(`${name} reloaded on ${domain}`)
      },
    }),
    command({
      name: 'hooks',
      about: 'tells who handles a hook, in order',
      role: 'operator',
      args: { domain: t.domain(), hook: t.string() },
      run({ domain, hook }, report) {
        // A name that is no hook has no handlers.
        for (const entry of served(domain).host.hooks.list(hook as keyof HostHooks)) {
          report(`${stageName(entry.stage).padEnd(10)} ${entry.source}`)
        }
      },
    }),
    command({
      name: 'config reload',
      about: 'reads the configuration again and applies it',
      role: 'operator',
      args: {},
      async run(_, report) {
        const { applied, needsRestart } = await reload()
        for (const line of applied) report(line)
        for (const option of needsRestart) report(`${option} needs a restart`)
        if (applied.length + needsRestart.length === 0) report('nothing has changed')
      },
    }),
    command({
      name: 'log',
      about: 'changes how much is logged, until the next start',
      role: 'operator',
      args: { level: t.oneOf('error', 'warn', 'info', 'debug'), module: t.string().optional() },
      run({ level, module }, report) {
        server.log.setLevel(module, level)
        report(`${module ?? 'everything'}: ${level}`)
      },
    }),
    command({
      name: 'stop',
      about: 'stops the server',
      role: 'operator',
      args: {},
      run(_, report) {
        report('stopping')
        stop()
      },
    }),
  ]
}

/** Ties the arguments of a command to what `run` is given. */
function command<const F extends Fields>(it: Command<F>): AnyCommand {
  // Whoever offers commands checks their arguments against `args`.
  return it as unknown as AnyCommand
}

function stageName(number: number): string {
  return Object.entries(stage).find(([, value]) => value === number)?.[0] ?? String(number)
}
