/** Names that look like those of other accounts are not given out (RFC 7622 §8, UTS #39). */
import { createHash } from 'node:crypto'
import { AccountError } from '../../server/auth/accounts.ts'
import { defineModule } from '../../server/host/module.ts'
import { keyval } from '../../storage/store.ts'
import { skeletonOf } from './skeleton.ts'

/** Under it is noted that all accounts that were there before us have been looked at. */
const DONE = '/done'

export default defineModule({
  name: 'lookalikes',
  about: 'refuses names that look like those of other accounts',
  on: ['local'],
  depends: ['accounts'],
  stores: { skeletons: keyval<string>('skeletons') },

  setup(host, { stores: { skeletons } }) {
    const accounts = host.service('accounts')
    if (!accounts.writable) return

    host.on(
      'account/creating',
      async ({ node }) => {
        const other = await skeletons.get(await placeOf(node))
        if (other === undefined || other === node || !(await accounts.exists(other))) return
        throw new AccountError('refused', 'That name looks like one that is taken')
      },
      'guard',
    )

    host.on('account/created', ({ node }) => host.spawn('note what a name looks like', () => note(node)))

    host.spawn('note what names look like', async (signal) => {
      if ((await skeletons.get(DONE)) !== undefined) return
      for await (const node of accounts.list()) {
        if (signal.aborted) return
        await note(node)
      }
      await skeletons.set(DONE, '')
    })

    /** Of several that look alike, the one that was noted first is imitated by the others. */
    async function note(node: string): Promise<void> {
      const place = await placeOf(node)
      const other = await skeletons.get(place)
      if (other === undefined || !(await accounts.exists(other))) await skeletons.set(place, node)
    }
  },
})

/** Where what looks like this is noted: as the data of no account, since no name has a slash. */
async function placeOf(node: string): Promise<string> {
  const skeleton = await skeletonOf(node)
  return `/${createHash('sha256').update(skeleton).digest('base64url')}`
}
