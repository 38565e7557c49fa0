/** Writes `docs/madrigal.schema.json`: the JSON Schema of a configuration, with which editors complete it. */
import { allModules } from '../modules/catalogue.ts'
import { configSchema } from '../server/config/json-schema.ts'
import { COMPONENTS } from './cli/configured.ts'
import { generate } from './docs/generated.ts'

const schema = configSchema({ modules: await allModules(), components: COMPONENTS })
generate('docs/madrigal.schema.json', `${JSON.stringify(schema, undefined, 2)}\n`)
