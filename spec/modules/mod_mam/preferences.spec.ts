/** XEP-0441: whose messages are archived. */
import fc from 'fast-check'
import t from 'tap'
import { type Policy, Preferences, preferencesElement, readPreferences } from '../../../modules/mod_mam/preferences.ts'
import { Jid } from '../../../server/jid/jid.ts'
import { parseElement } from '../../../server/xml/parse.ts'

const prefs = (inside: string, policy = 'always') =>
  readPreferences(parseElement(`<prefs xmlns='urn:xmpp:mam:2' default='${policy}'>${inside}</prefs>`))

t.test('reads and writes preferences', async (t) => {
  const read = prefs(
    '<never><jid>Tybalt@x</jid></never><always><jid> romeo@x </jid><jid>ROMEO@x</jid><jid>romeo@x/R</jid></always>',
    'roster',
  )
  t.strictSame(read, { default: 'roster', always: ['romeo@x', 'romeo@x/R'], never: ['tybalt@x'] })
  t.equal(
    String(preferencesElement(read)),
    `<prefs xmlns='urn:xmpp:mam:2' default='roster'><always><jid>romeo@x</jid><jid>romeo@x/R</jid></always><never><jid>tybalt@x</jid></never></prefs>`,
  )
  t.strictSame(prefs(''), { default: 'always', always: [], never: [] }, 'lists may be left out')
  t.strictSame(prefs(`<always><jid xmlns='urn:example:x'>a@x</jid></always>`).always, [])
  const refusal = (condition: string) => ({ name: 'StanzaError', condition })
  t.throws(() => prefs('', 'sometimes'), refusal('bad-request'))
  t.throws(() => readPreferences(parseElement(`<prefs xmlns='urn:xmpp:mam:2'/>`)), refusal('bad-request'))
  t.throws(() => prefs('<never><jid>@</jid></never>'), refusal('jid-malformed'))
  t.throws(() => prefs('<never><jid/></never>'), refusal('jid-malformed'))
  t.throws(() => prefs(`<always>${'<jid>a@x</jid>'.repeat(501)}</always>`), refusal('not-acceptable'))
})

t.test('what is more exact counts, then what keeps less', async (t) => {
  const address = fc.constantFrom<string>('a@x', 'a@x/1', 'a@x/2', 'b@x', 'x')
  const lists = fc.record({
    default: fc.constantFrom<Policy>('always', 'never', 'roster'),
    always: fc.uniqueArray(address),
    never: fc.uniqueArray(address),
  })
  fc.assert(
    fc.property(lists, address, (stored, text) => {
      const jid = Jid.parse(text)
      const rules: readonly (readonly [boolean, Policy])[] = [
        [stored.never.includes(jid.full), 'never'],
        [stored.always.includes(jid.full), 'always'],
        [stored.never.includes(jid.bare), 'never'],
        [stored.always.includes(jid.bare), 'always'],
        [true, stored.default],
      ]
      return new Preferences(stored).for(jid) === rules.find(([applies]) => applies)?.[1]
    }),
  )
  t.pass()
})
