/** `madrigal start`: the server, from its configuration to its last log line. */
import { mkdirSync } from 'node:fs'
import { controlSocket } from '../../server/admin/control-socket.ts'
import { CommandError } from '../../server/admin/command.ts'
import { CommandRegistry } from '../../server/admin/command-registry.ts'
import { serverCommands } from '../../server/server-commands.ts'
import { createLog, type PinoLog } from '../../server/log/log.ts'
import type { Reloaded } from '../../server/server.ts'
import { Server } from '../../server/server.ts'
import { systemClock } from '../../server/util/clock.ts'
import { SystemRandom } from '../../server/util/random.ts'
import { VERSION } from '../../server/version.ts'
import { type Configured, configured } from './configured.ts'
import { ask } from './control-client.ts'
import { firstAccount } from './first-account.ts'
import { openStorage } from './open-storage.ts'
import { openSink } from './log-sink.ts'
import { Refusal } from './refusal.ts'

/** Runs until it is told to stop. Throws Refusal if it cannot start. */
export async function start(named: string | undefined): Promise<void> {
  const { config, modules, files, file } = await configured(named)
  if (await ask(config.server.control, ['status'], () => {})) {
    throw new Refusal(`a server that uses ${config.server.data} is running already`)
  }
  mkdirSync(config.server.data, { recursive: true, mode: 0o700 })
  const sink = openSink(config.server.log)
  const log = createLog(config.server.log, sink)
  log.info(`Madrigal ${VERSION} starts`, { path: file ?? '(no configuration file: the defaults)' })
  const storage = await openStorage(config, systemClock, log)
  const server = new Server({ config, modules, storage, log, clock: systemClock, random: new SystemRandom() })
  const commands = new CommandRegistry(server.hosts, server.serverModules.provisions)
  const reload = (): Promise<Reloaded> => reloadFrom(server, file)
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
  for (const command of serverCommands({ server, commands, reload, stop, moduleAnew: (name) => files.anew(name) })) {
    server.serverModules.provisions.provide('command', command)
  }
  onSignals({ log, stop, reload, reopenLog: () => sink.reopen?.() })
  try {
    await server.start()
    using _ = await controlSocket(config.server.control, commands, log)
    await firstAccount(server, process.stdout)
    for (const { entrance, address } of server.front.listeners)
      log.info(`listening on ${address} for ${ENTRANCES[entrance]}`)
    await stopped
  } finally {
    await server.stop()
  }
  log.info('stopped')
}

const ENTRANCES = { c2s: 'clients', c2s_tls: 'clients with TLS', http: 'web clients', component: 'components' } as const

async function reloadFrom(server: Server, file: string | undefined): Promise<Reloaded> {
  let next: Configured
  try {
    next = await configured(file)
  } catch (error) {
    // What is wrong is said; the server goes on with what it has.
    if (error instanceof Refusal) throw new CommandError(`nothing was changed:\n${error.message}`)
    throw error
  }
  return server.reload(next.config)
}

interface Reactions {
  readonly log: PinoLog
  readonly stop: () => void
  readonly reload: () => Promise<Reloaded>
  /** Whoever rotates logs has moved the old one away by then. */
  readonly reopenLog: () => void
}

function onSignals({ log, stop, reload, reopenLog }: Reactions): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      log.info(`${signal}: stopping`)
      stop()
    })
  }
  process.on('SIGHUP', () => {
    reopenLog()
    reload().then(
      ({ applied, needsRestart }) => {
        for (const line of applied) log.info(`reloaded: ${line}`)
        for (const option of needsRestart) log.warn(`reloaded: ${option} needs a restart`)
        if (applied.length + needsRestart.length === 0) log.info('reloaded: nothing has changed')
      },
      (error: unknown) => log.error('the configuration was not reloaded', { error }),
    )
  })
  process.on('unhandledRejection', (error) => log.error('a failure that nobody waited for', { error }))
}
