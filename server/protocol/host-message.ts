/** What a host itself writes to people. */
import type { Jid } from '../jid/jid.ts'
import { message } from '../xml/build.ts'
import { xml } from '../xml/element.ts'
import type { Stanza } from '../xml/stanza.ts'

/** A message of type normal, so that it is kept for those who are away (RFC 6121 §8.5.2.2.1). */
export function hostMessage(
  { from, to, id }: { readonly from: Jid; readonly to: Jid; readonly id: string },
  body: string,
  subject = '',
): Stanza {
  return message(
    { from: from.full, to: to.full, id },
    subject !== '' && xml('subject', {}, subject),
    xml('body', {}, body),
  )
}
