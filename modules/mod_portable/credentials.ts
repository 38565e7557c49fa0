/** XEP-0227 §4.3: keys instead of passwords. */
import type { Accounts } from '../../server/auth/accounts.ts'
import type { StoredKeys } from '../../server/auth/credentials.ts'
import type { HashName } from '../../server/auth/digest.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import type { Part } from './part.ts'

const NS_SCRAM = 'urn:xmpp:pie:0#scram'

const MECHANISMS: ReadonlyMap<string, HashName> = new Map([
  ['SCRAM-SHA-1', 'sha-1'],
  ['SCRAM-SHA-256', 'sha-256'],
  ['SCRAM-SHA-512', 'sha-512'],
])

export function credentialsPart(accounts: Accounts): Part {
  return {
    things: 'kinds of keys',

    async *write({ node = '' }: Jid) {
      const account = await accounts.get(node)
      for (const [mechanism, hash] of MECHANISMS) {
        const keys = account?.credentials[hash]
        if (keys !== undefined) yield keysElement(mechanism, keys).toString()
      }
    },

    read({ node = '' }, element) {
      return element.name === 'scram-credentials' && element.ns === NS_SCRAM ? addKeys(node, element) : undefined
    },
  }

  async function addKeys(node: string, element: Element): Promise<number> {
    const hash = MECHANISMS.get(element.attrs['mechanism'] ?? '')
    const keys = readKeys(element)
    const account = await accounts.get(node)
    // A password that is known says more.
    if (hash === undefined || keys === undefined || account?.credentials[hash] !== undefined) return 0
    return (await accounts.addKeys(node, hash, keys, account?.credentials ?? {})) ? 1 : 0
  }
}

function keysElement(mechanism: string, { iterations, salt, serverKey, storedKey }: StoredKeys): Element {
  return xml(
    'scram-credentials',
    { xmlns: NS_SCRAM, mechanism },
    xml('iter-count', {}, String(iterations)),
    xml('salt', {}, salt),
    xml('server-key', {}, serverKey),
    xml('stored-key', {}, storedKey),
  )
}

/** Undefined if something is missing or cannot be meant. */
function readKeys(element: Element): StoredKeys | undefined {
  const text = (name: string): string => element.child(name)?.getText().trim() ?? ''
  const [salt, serverKey, storedKey] = [text('salt'), text('server-key'), text('stored-key')]
  if (!/^[1-9]\d{0,8}$/.test(text('iter-count'))) return undefined
  if (![salt, serverKey, storedKey].every((value) => BASE64.test(value))) return undefined
  return { salt, serverKey, storedKey, iterations: Number(text('iter-count')) }
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
