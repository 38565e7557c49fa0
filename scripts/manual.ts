/** Writes `docs/options.md`: every option of the server and its modules, from their declarations. */
import { allModules } from '../modules/catalogue.ts'
import { optionsManual } from '../server/config/manual.ts'
import { COMPONENTS } from './cli/configured.ts'
import { generate } from './docs/generated.ts'

generate(
  'docs/options.md',
  `# All options

Written by \`scripts/manual.ts\` from the declarations; do not edit. How the file is written:
[configuration.md](configuration.md).

${optionsManual({ modules: await allModules(), components: COMPONENTS })}
`,
)
