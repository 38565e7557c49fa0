/**
 * XEP-0106: JID Escaping. Writes into a node what cannot stand there, for addresses that come from elsewhere: mail,
 * LDAP, other networks.
 */

/** Table 1 of XEP-0106 §3.2. */
const escapes: ReadonlyMap<string, string> = new Map(
  Array.from(` "&'/:<>@\\`, (character) => [character, `\\${character.charCodeAt(0).toString(16)}`]),
)
const characters: ReadonlyMap<string, string> = new Map(
  Array.from(escapes, ([character, escape]) => [escape, character]),
)

/**
 * A name from elsewhere as a node, which nodeprep has yet to see. A backslash is only escaped where it would read as the
 * beginning of an escape (XEP-0106 §4.2). Undefined if the name begins or ends with a space (§4.1).
 */
export function escapeNode(name: string): string | undefined {
  if (name.startsWith(' ') || name.endsWith(' ')) return undefined
  return name.replace(/[ "&'/:<>@]|\\(?=20|22|26|27|2f|3a|3c|3e|40|5c)/g, (found) => escapes.get(found) ?? found)
}

/** What a node stands for: for display and for other networks, never to compare or to send (XEP-0106 §4.1). */
export function unescapeNode(node: string): string {
  return node.replace(/\\(?:20|22|26|27|2f|3a|3c|3e|40|5c)/g, (found) => characters.get(found) ?? found)
}
