/** `madrigal init`: writes a configuration to begin with. */
import { existsSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { allModules } from '../../modules/catalogue.ts'
import { configSchema } from '../../server/config/json-schema.ts'
import { sampleConfig } from '../../server/config/sample.ts'
import { COMPONENTS } from './configured.ts'
import { Refusal } from './refusal.ts'

/** Writes `madrigal.yaml`, with the schema that lets editors complete it. Never over one that is there. */
export async function init(file: string, domain: string): Promise<void> {
  const path = resolve(file)
  if (existsSync(path)) throw new Refusal(`${path} is there already`)
  const modules = await allModules()
  const schema = `${path.replace(/\.ya?ml$/, '')}.schema.json`
  const declarations = { modules, components: COMPONENTS }
  writeFileSync(path, sampleConfig(declarations, { domain, schema: `./${schema.split('/').at(-1)}` }))
  writeFileSync(schema, `${JSON.stringify(configSchema(declarations), undefined, 2)}\n`)
  process.stdout.write(`Wrote ${path}, and ${schema} for your editor. Next: madrigal start --config ${file}\n`)
}
