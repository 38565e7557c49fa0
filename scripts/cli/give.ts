/** Gives a command to the running server, or, where none runs, to one that is started for it. */
import type { ControlReply } from '../../server/admin/control-socket.ts'
import { runCommand } from '../../server/admin/control-socket.ts'
import { CommandRegistry } from '../../server/admin/command-registry.ts'
import { createLog } from '../../server/log/log.ts'
import { Server } from '../../server/server.ts'
import { systemClock } from '../../server/util/clock.ts'
import { SystemRandom } from '../../server/util/random.ts'
import { configured } from './configured.ts'
import { ask } from './control-client.ts'
import { openStorage } from './open-storage.ts'
import { askSecret } from './ask-secret.ts'
import { Refusal } from './refusal.ts'

/** Shows what the command reports. Throws Refusal with what is wrong. */
export async function give(named: string | undefined, words: readonly string[]): Promise<void> {
  const show = (line: string): void => void process.stdout.write(`${line}\n`)
  const settings = await configured(named)
  const run = async (all: readonly string[]): Promise<ControlReply> =>
    (await ask(settings.config.server.control, all, show)) ?? (await runStopped(settings, all, show))
  const reply = await run(words)
  const last = 'ask' in reply ? await run([...words, `--${reply.ask}`, await askSecret(reply.ask)]) : reply
  if ('error' in last) throw new Refusal(last.error)
  if ('ask' in last) throw new Refusal(`${last.ask} is missing`)
}

/** On the data of a server that does not run: nobody can connect meanwhile. */
async function runStopped(
  { config, modules }: Awaited<ReturnType<typeof configured>>,
  words: readonly string[],
  show: (line: string) => void,
): Promise<ControlReply> {
  const log = createLog({ level: 'error', modules: new Map() }, process.stderr)
  const storage = await openStorage(config, systemClock, log)
  const server = new Server({ config, modules, storage, log, clock: systemClock, random: new SystemRandom() })
  const commands = new CommandRegistry(server.hosts, server.serverModules.provisions)
  try {
    await server.start({ listen: false })
    return await runCommand(words, commands, log, show)
  } finally {
    await server.stop()
  }
}
