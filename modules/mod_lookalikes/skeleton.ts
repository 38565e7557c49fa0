/** What the name of an account looks like. */

/** The same for names that look the same. For comparing only. */
export async function skeletonOf(name: string): Promise<string> {
  // Loaded late: it takes memory, and most names are looked at on few servers.
  const { lookOf } = await import('../../server/jid/look.ts')
  // What is mapped may be a capital, as O is for 0; names have none.
  return lookOf(name).toLowerCase()
}
