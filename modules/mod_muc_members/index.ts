/** Who belongs to which rooms, and what becomes of what is said while they are away: membership outlives presence. */
import { t } from '../../server/config/types.ts'
import { defineModule } from '../../server/host/module.ts'
import { keyval, map } from '../../storage/store.ts'
import { type Membership, Memberships } from './memberships.ts'
import { setupNotices } from './notices.ts'
import { reserveNick } from './reserving.ts'
import type { Wish } from './wishes.ts'

declare module '../../server/host/module.ts' {
  interface Services {
    muc_members: Memberships
  }
}

export default defineModule({
  name: 'muc_members',
  about: 'lets members of rooms hear of what is said while they are away',
  xeps: { 492: '0.2.0' },
  on: ['muc'],
  depends: ['muc'],
  config: {
    reserve_nicknames: t
      .boolean()
      .default(false)
      .describe('Whether members who enter a room are registered with the nickname that they use.'),
  },
  stores: {
    /** By bare JID, then by the node of a room. */
    memberships: map<Membership>('muc_memberships'),
    /** By room, then by bare JID. */
    wishes: map<Wish>('muc_wishes'),
    /** Set once memberships of all rooms have been noted. */
    state: keyval<boolean>('muc_memberships_state'),
  },

  async setup(host, { config, stores }) {
    const memberships = new Memberships(host, stores.memberships)
    await memberships.complete(stores.state)
    setupNotices(host, stores.wishes)
    if (config.reserve_nicknames) host.on('muc/joined', ({ room, session }) => reserveNick(host, room, session))
    return memberships
  },
})
