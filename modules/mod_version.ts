/** XEP-0092: Software Version. */
import os from 'node:os'
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import { VERSION } from '../server/version.ts'
import { xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'

export default defineModule({
  name: 'version',
  about: 'tells which software this is',
  xeps: { 92: '1.1' },
  on: ['local', 'muc', 'pubsub'],
  config: { show_os: t.boolean().default(false).describe('Tell the operating system as well.') },

  setup(host, { config }) {
    host.feature(NS.version)
    host.iq({ type: 'get', ns: NS.version, name: 'query', at: 'host' }, () =>
      xml(
        'query',
        { xmlns: NS.version },
        xml('name', {}, 'Madrigal'),
        xml('version', {}, VERSION),
        config.show_os && xml('os', {}, os.type()),
      ),
    )
  },
})
