/** XEP-0425, XEP-0424: messages in rooms that are taken back, by moderators or by who sent them; and who did what to a room. */
import { t } from '../../server/config/types.ts'
import { defineModule } from '../../server/host/module.ts'
import { NS_TOMBSTONE } from '../../server/protocol/retraction.ts'
import { NS } from '../../server/xml/ns.ts'
import { archive } from '../../storage/store.ts'
import { setupBulkRemoval } from './bulk-removal.ts'
import { Graves } from './graves.ts'
import { setupLog } from './log.ts'
import { NS_MODERATE, NS_OLD_MODERATE } from './moderation.ts'
import { setupModeration } from './requests.ts'
import { setupRetractions } from './retractions.ts'

const YEAR = 365 * 86_400

export default defineModule({
  name: 'muc_moderation',
  about: 'lets moderators of rooms retract what others have said, and keeps a log of what they do',
  xeps: { 424: '0.4.2', 425: '0.3.0' },
  on: ['muc'],
  depends: ['muc'],
  config: {
    log_expire_after: t.duration().default(YEAR).describe('How long it is kept in mind who has done what to a room.'),
  },
  stores: { log: archive('muc_log') },

  setup(host, { config, stores }) {
    const graves = new Graves(host)
    host.on('muc/room-info', (told) => {
      told.features = [...told.features, NS_MODERATE, NS_OLD_MODERATE, NS.retract, NS_TOMBSTONE]
    })
    setupRetractions(host, graves)
    setupModeration(host, graves)
    setupBulkRemoval(host, graves)
    setupLog(host, stores.log, config.log_expire_after)
  },
})
