/** Commands for the modules of the hosts. */
import { type AnyCommand, command, CommandError } from './admin/command.ts'
import { t } from './config/types.ts'
import type { HostHooks } from './host/events.ts'
import type { Served } from './host/host-set.ts'
import type { AnyModule } from './host/module.ts'
import { stage } from './host/stages.ts'
import type { Server } from './server.ts'

/** `moduleAnew` gives the code of a module as it is now on disk, if there is such a module. */
export function moduleCommands(
  server: Server,
  moduleAnew: (name: string) => Promise<AnyModule | undefined>,
): readonly AnyCommand[] {
  const served = (domain: string): Served => {
    const found = server.hosts.get(domain)
    if (found === undefined) throw new CommandError(`there is no host ${domain} here`)
    return found
  }

  return [
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
        const handlers = served(domain).host.hooks.list(hook as keyof HostHooks)
        for (const { stage: number, source } of handlers) report(`${stageName(number).padEnd(10)} ${source}`)
        if (handlers.length === 0) report(`nobody handles ${hook}`)
      },
    }),
  ]
}

function stageName(number: number): string {
  return Object.entries(stage).find(([, value]) => value === number)?.[0] ?? String(number)
}
