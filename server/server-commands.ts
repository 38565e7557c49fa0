/** Commands that work on the server as a whole. */
import { t } from './config/types.ts'
import { formatDuration } from './config/units.ts'
import type { AnyModule } from './host/module.ts'
import type { Reloaded, Server } from './server.ts'
import { moduleCommands } from './module-commands.ts'
import { VERSION } from './version.ts'
import { usageOf } from './admin/arguments.ts'
import { type AnyCommand, command } from './admin/command.ts'
import type { CommandRegistry } from './admin/command-registry.ts'

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

export function serverCommands(around: CommandSurroundings): readonly AnyCommand[] {
  const { server, commands } = around

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
          const program = host.kind === 'component' ? `, ${host.component ? 'connected' : 'not connected'}` : ''
          report(`${host.domain} (${host.kind}): ${loader.modules.length} modules${people}${program}`)
        }
        for (const { entrance, address } of server.front.listeners) report(`listening on ${address} (${entrance})`)
      },
    }),
    ...moduleCommands(server, (name) => around.moduleAnew(name)),
    command({
      name: 'config reload',
      about: 'reads the configuration again and applies it',
      role: 'operator',
      args: {},
      async run(_, report) {
        const { applied, needsRestart } = await around.reload()
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
        around.stop()
      },
    }),
  ]
}
