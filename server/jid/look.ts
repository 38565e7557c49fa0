/** UTS #39 §4: what a name looks like. */
import unhomoglyph from 'unhomoglyph'

const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu

/** The same for names that look the same, as those with a Cyrillic а in place of the Latin a. For comparing only. */
export function lookOf(name: string): string {
  const visible = name.normalize('NFD').replaceAll(INVISIBLE, '')
  return unhomoglyph(visible).normalize('NFD')
}
