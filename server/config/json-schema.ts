/** The JSON Schema of a config file, with which editors complete and check it (JSON Schema 2020-12). */
import { z } from 'zod'
import type { Declarations } from './config.ts'
import type { ModuleDeclaration } from './modules-section.ts'
import { aboutOf, fallbackOf, written, type Fields, type Option } from './option.ts'
import { hostFields, localHostFields, serverFields } from './server-options.ts'
import { t } from './types.ts'

/** A JSON object. Referred to by `# yaml-language-server: $schema=…` in the first line of a config. */
export function configSchema({ modules, components }: Declarations): object {
  const ofServer = modules.filter(({ name }) => !components.includes(name))
  const ofHosts = ofServer.filter(({ scope }) => scope === 'host')
  const host = z.union([
    z.strictObject({ is: z.literal('local').optional(), ...localHostFields, modules: modulesType(ofHosts) }),
    ...components.map((kind) => {
      const own = modules.find(({ name }) => name === kind)?.config ?? {}
      return z.strictObject({ is: z.literal(kind), ...hostFields, ...own, modules: modulesType(ofHosts) })
    }),
  ])
  const config = z.strictObject({
    ...serverFields,
    modules: modulesType(ofServer).describe('Modules on every host for which they are made; false turns one off.'),
    hosts: z.record(z.string(), host).optional().describe('The domains that are served.'),
  })
  return z.toJSONSchema(config, { io: 'input', override: finish })
}

/** A list of names, or options by name. */
function modulesType(modules: readonly ModuleDeclaration[]): Option<unknown> {
  const names = z.enum(modules.map(({ name }) => name))
  const options = modules.map(({ name, about, config = {} }) => [
    name,
    z
      .union([z.boolean(), t.object(optional(config))])
      .optional()
      .describe(about),
  ])
  return z.union([z.array(names), z.strictObject(Object.fromEntries(options))]).optional()
}

/** What one section leaves out may be written in another, so nothing must be written in each. */
function optional(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, option]) => [
      name,
      fallbackOf(option) === undefined ? option.optional() : option,
    ]),
  )
}

/** Says descriptions and defaults as an admin would write them, and lets a section be empty. */
function finish({
  zodSchema,
  jsonSchema,
}: {
  zodSchema: z.core.$ZodTypes
  jsonSchema: z.core.JSONSchema.BaseSchema
}): void {
  // What zod hands out is declared as its core type; all of ours are of the full one.
  const option = zodSchema as unknown as Option<unknown>
  const about = aboutOf(option)
  const value = fallbackOf(option)?.value
  delete jsonSchema['option']
  delete jsonSchema.default
  if (about !== undefined) jsonSchema.description = about
  if (value !== undefined) jsonSchema.default = written(option, value)
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
  if (jsonSchema.type === 'object') Object.assign(jsonSchema, { type: ['object', 'null'] })
}
