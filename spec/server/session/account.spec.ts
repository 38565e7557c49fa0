import fc from 'fast-check'
import t from 'tap'
import { Jid } from '../../../server/jid/jid.ts'
import { Account, Directory, type HeldAccount } from '../../../server/session/account.ts'
import { ClientSession, type SessionOwner } from '../../../server/session/client-session.ts'
import { presence } from '../../../server/xml/build.ts'

const romeo = Jid.parse('romeo@verona.example')

/** Nothing is sent by these sessions. */
const nobody: SessionOwner = {
  route() {},
  addressee: (to) => Jid.parse(to),
  takesAnswer: () => false,
  refuse() {},
}

/** A session of the account: with that priority if it is available. */
function bind(account: Account, resource: string, priority?: number): ClientSession {
  const session = new ClientSession(account.jid.withResource(resource), resource, account, nobody)
  account.add(session)
  if (priority !== undefined) session.announce(presence({}), priority)
  return session
}

const names = (sessions: Iterable<ClientSession>): readonly string[] => [...sessions].map(({ resource }) => resource)

t.test('who is there, who takes messages, and who gets them (RFC 6121 §8.5.2.1)', (t) => {
  const account = new Account(romeo)
  t.strictSame([account.size, names(account.available), names(account.recipients('chat'))], [0, [], []])
  bind(account, 'silent')
  bind(account, 'hidden', -1)
  const phone = bind(account, 'phone', 0)
  bind(account, 'desk', 5)
  bind(account, 'desk2', 5)
  t.equal(account.size, 5)
  t.strictSame(names(account.available), ['hidden', 'phone', 'desk', 'desk2'])
  t.strictSame(names(account.receptive), ['phone', 'desk', 'desk2'])
  t.strictSame(names(account.recipients('headline')), ['phone', 'desk', 'desk2'])
  for (const type of [undefined, 'normal', 'chat', 'new-type']) {
    t.strictSame(names(account.recipients(type)), ['desk', 'desk2'], String(type))
  }
  phone.announce(presence({}), 10)
  t.strictSame(names(account.recipients('chat')), ['phone'])
  phone.announce(undefined, 0)
  t.strictSame(names(account.available), ['hidden', 'desk', 'desk2'])
  t.end()
})

t.test('who has been replaced does not take their successor along', (t) => {
  const account = new Account(romeo)
  const former = bind(account, 'orchard', 0)
  const session = bind(account, 'orchard', 0)
  account.remove(former)
  t.equal(account.session('orchard'), session)
  t.strictSame(names(account.available), ['orchard'])
  account.remove(session)
  t.equal(account.size, 0)
  t.strictSame(names(account.available), [])
  t.end()
})

t.test('an account is the same for as long as somebody needs it, and forgotten then', (t) => {
  const act = fc.constantFrom('hold', 'let go', 'bind', 'close')
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const directory = new Directory()
      const held: HeldAccount[] = []
      const sessions: ClientSession[] = []
      let known: Account | undefined
      for (const [index, what] of acts.entries()) {
        if (what === 'hold') held.push(directory.hold(romeo))
        else if (what === 'let go') held.shift()?.[Symbol.dispose]()
        else if (what === 'bind') {
          using holding = directory.hold(romeo)
          sessions.push(bind(holding.account, `r${index}`))
        } else {
          const session = sessions.shift()
          if (session === undefined) continue
          session.account.remove(session)
          directory.release(session.account)
        }
        const account = directory.account(romeo.bare)
        const isNeeded = held.length + sessions.length > 0
        t.equal(account !== undefined, isNeeded)
        t.ok(sessions.every((session) => session.account === account))
        t.ok(known === undefined || account === undefined || account === known, 'the same')
        known = isNeeded ? account : undefined
      }
    }),
  )
  t.end()
})
