/** UTS #39 §4: what a name looks like. */

/** The same for names that look the same, as those with a Cyrillic а in place of the Latin a. For comparing only. */
export async function skeletonOf(name: string): Promise<string> {
  // Loaded late: it takes memory, and most names are looked at on few servers.
  const { default: unhomoglyph } = await import('unhomoglyph')
  const visible = name.normalize('NFD').replaceAll(INVISIBLE, '')
  // What is mapped may be a capital, as O is for 0; names have none.
  return unhomoglyph(visible).normalize('NFD').toLowerCase()
}

const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu
