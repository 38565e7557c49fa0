/** What a directory knows of people: some of what is on their cards (XEP-0054). */
import { own } from '../../server/util/own.ts'
import type { Element } from '../../server/xml/element.ts'

/** The fields of XEP-0055 §7.2, in their order. */
export const FIELDS = ['first', 'last', 'nick', 'email'] as const
export type Field = (typeof FIELDS)[number]

/** Of whom we know nothing at all has no field. */
export type Person = Readonly<Partial<Record<Field, string>>>

const MOST_CHARS = 200
/** Fewer would list half of the directory. */
const FEWEST_CHARS = 2

/** Undefined if there is nothing on the card by which somebody could be found. */
export function personOn(card: Element): Person | undefined {
  const name = card.child('N')
  const said: Record<Field, Element | undefined> = {
    first: name?.child('GIVEN'),
    last: name?.child('FAMILY'),
    nick: card.child('NICKNAME') ?? card.child('FN'),
    email: card.child('EMAIL')?.child('USERID'),
  }
  const fields = FIELDS.flatMap((field) => {
    const text = said[field]?.getText().trim().slice(0, MOST_CHARS) ?? ''
    return text === '' ? [] : [[field, own(text)] as const]
  })
  return fields.length === 0 ? undefined : Object.fromEntries(fields)
}

/** What is searched for, as it is compared; undefined if that is too little. Clients write `*` for whatever may follow. */
export function wantedOf(said: Person): Person | undefined {
  const wanted = FIELDS.flatMap((field) => {
    const text = comparable((said[field] ?? '').replaceAll('*', '')).trim()
    return text === '' ? [] : [[field, text.slice(0, MOST_CHARS)] as const]
  })
  const isEnough = wanted.some(([, text]) => text.length >= FEWEST_CHARS)
  return isEnough ? Object.fromEntries(wanted) : undefined
}

/** True if all that is wanted is found in what is known, wherever in its field. */
export function matches(person: Person, wanted: Person): boolean {
  return FIELDS.every((field) => comparable(person[field] ?? '').includes(wanted[field] ?? ''))
}

function comparable(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}
