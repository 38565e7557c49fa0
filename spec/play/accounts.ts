/** Which accounts a play needs: everyone it mentions, also those who never connect. */
import { type Character, type Script } from './script.ts'
import type { PlayAccount } from './server.ts'

const DEFAULT_PASSWORD = 'password'

/** One for each account of a character, and for each address in the text that looks like one, but for the absent. */
export function accountsOf(script: Script): readonly PlayAccount[] {
  const characters = [...script.characters.values()]
  const absent = new Set([...script.absent.values()].map(({ jid }) => jid.toLowerCase()))
  const own = characters.flatMap(accountOf)
  const password = own[0]?.password ?? DEFAULT_PASSWORD
  const domains = new Set(characters.map(({ domain }) => domain))
  const mentioned = [...domains].flatMap((domain) =>
    nodesIn(script.text, domain).map((node) => ({ node, domain, password })),
  )
  const byJid = new Map<string, PlayAccount>()
  for (const account of [...own, ...mentioned]) {
    const jid = `${account.node}@${account.domain}`.toLowerCase()
    if (!byJid.has(jid) && !absent.has(jid)) byJid.set(jid, account)
  }
  return [...byJid.values()]
}

function accountOf({ node, domain, password }: Character): PlayAccount[] {
  return node === undefined ? [] : [{ node, domain, password: password ?? DEFAULT_PASSWORD }]
}

/** What an address in the text of a play may be made of. */
const LETTER = '[^\\s"\'<>@/&:{}()`]'

function nodesIn(text: string, domain: string): string[] {
  // Where a word has begun in which no address ends, none of its letters need be tried.
  const pattern = new RegExp(`(?<!${LETTER})(${LETTER}+)@${RegExp.escape(domain)}(?![\\w.-])`, 'g')
  return [...text.matchAll(pattern)].map(([, node = '']) => node)
}
