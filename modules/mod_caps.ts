/** XEP-0115, XEP-0390: Entity Capabilities. What clients can do: asked once for each kind of client, and remembered. */
import { LRUCache } from 'lru-cache'
import { t } from '../server/config/types.ts'
import type { Notice } from '../server/host/hooks.ts'
import { defineModule } from '../server/host/module.ts'
import type { Jid } from '../server/jid/jid.ts'
import { type Caps, capsNode, readCaps, verifiedInfo } from '../server/protocol/caps.ts'
import { type DiscoInfo, type Identity, readDiscoInfo } from '../server/protocol/disco-info.ts'
import {
  capabilityHashNode,
  type CapabilityHash,
  NS_ECAPS2,
  readCapabilityHashes,
  verifiedByHash,
} from '../server/protocol/ecaps2.ts'
import type { ClientSession } from '../server/session/client-session.ts'
import { StanzaError } from '../server/stanza-error.ts'
import type { Maybe } from '../server/util/maybe.ts'
import { own } from '../server/util/own.ts'
import { xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'
import type { Stanza } from '../server/xml/stanza.ts'
import { map } from '../storage/store.ts'

export interface Capabilities {
  readonly identities: readonly Identity[]
  readonly features: ReadonlySet<string>
  /** The nodes whose events are wanted: features that end in `+notify`, without that (XEP-0060 §9.2). */
  readonly interests: ReadonlySet<string>
}

export interface CapsService {
  /** What a client can do, as far as it has told by now. */
  of(session: ClientSession): Capabilities | undefined
  /** What a presence announces; 'unknown' if its sender would have to be asked, undefined if there is nothing to ask. */
  announcedIn(presence: Stanza): Capabilities | 'unknown' | undefined
  /** Asks the sender of a presence in the name of `asking`; `caps/answered` tells what it has said. */
  ask(presence: Stanza, sender: Jid, asking: Jid): void
}

declare module '../server/host/module.ts' {
  interface Services {
    caps: CapsService
  }
}

declare module '../server/host/events.ts' {
  interface HostHooks {
    /** A client has been asked what it can do, after it had announced something new, and has answered. */
    'caps/learned': Notice<{ readonly session: ClientSession }>
    /** So has somebody else, whom another module has asked; undefined if it has said nothing that makes sense. */
    'caps/answered': Notice<{
      readonly presence: Stanza
      readonly sender: Jid
      readonly asking: Jid
      readonly capabilities: Capabilities | undefined
    }>
  }
}

/** A kind of client as it is stored. */
interface StoredCapabilities {
  readonly identities: readonly Identity[]
  readonly features: readonly string[]
}

/** What a presence announces, in one way or two. */
interface Announcement {
  readonly keys: readonly string[]
  readonly caps: Caps | undefined
  readonly hashes: readonly CapabilityHash[]
}

/** What we know of a session. */
interface Known {
  /** The announcement as it was written, to see at a glance that it is the same. */
  text: string
  capabilities: Capabilities | undefined
  /** Its client has been asked and has not answered. */
  isAsked: boolean
}

/** Answers that no hash vouches for are believed of whoever gave them, for an hour. */
const UNVERIFIED = { max: 1000, ttl: 3_600_000 }
/** Characters of features: clients say a quarter of that. */
const MOST_CHARS = 32_768
const MOST_QUESTIONS = 10_000
/** With this id an account asks its own client, as clients have been tested with. */
const QUESTION_ID = 'disco'
const NOTIFY = '+notify'

export default defineModule({
  name: 'caps',
  about: 'remembers what clients can do',
  xeps: { 115: '1.6.0', 390: '0.3.2' },
  on: ['local'],
  config: { max_known: t.integer({ min: 1 }).default(2000).describe('Kinds of clients that are remembered.') },
  stores: { kinds: map<StoredCapabilities>('caps') },

  async setup(host, { config, stores: { kinds } }) {
    const verified = new LRUCache<string, Capabilities>({
      max: config.max_known,
      dispose: (_, key, reason) => {
        if (reason === 'evict') host.spawn('forget a kind of client', () => kinds.set('', key, undefined))
      },
    })
    for (const [key, stored] of await kinds.all('')) verified.set(key, capabilitiesOf(stored))
    const unverified = new LRUCache<string, { readonly capabilities: Capabilities | undefined }>(UNVERIFIED)
    const asked = new Map<string, Promise<Capabilities | undefined>>()
    /** Ends the waiting for answers. */
    const abandon = new Set<() => void>()
    const knownOf = host.slot('known', (): Known => ({ text: '', capabilities: undefined, isAsked: false }))
    /** One presence goes to many: what it announces is looked up once. */
    const last: { refs: Stanza['refs'] | undefined; capabilities: Capabilities | undefined } = {
      refs: undefined,
      capabilities: undefined,
    }

    host.defer(() => {
      for (const giveUp of abandon) giveUp()
    })
    // The client is asked before anybody sees its presence.
    host.on('outgoing/presence', ({ stanza, origin }) => void (isBroadcast(stanza) && note(origin, stanza)), 'copy')

    host.on('session/restored', ({ session }) => session.presence && note(session, session.presence))

    return {
      of: (session) => knownOf(session).capabilities,
      announcedIn,
      ask(presence, sender, asking) {
        const announcement = announcementIn(presence)
        if (announcement === undefined) return
        host.spawn('ask somebody', async () => {
          const capabilities = lookUp(announcement) ?? (await askOnce(announcement, sender, asking))
          host.announce('caps/answered', { presence, sender, asking, capabilities })
        })
      },
    } satisfies CapsService

    function note(session: ClientSession, presence: Stanza): void {
      const known = knownOf(session)
      const text = textIn(presence)
      if (text === known.text) return
      known.text = own(text)
      known.capabilities = undefined
      const announcement = announcementIn(presence)
      if (announcement === undefined) return
      known.capabilities = lookUp(announcement)
      if (known.capabilities === undefined) host.spawn('ask a client', () => learn(session, announcement, known.text))
    }

    async function learn(session: ClientSession, announcement: Announcement, text: string): Promise<void> {
      const known = knownOf(session)
      const id = known.isAsked ? undefined : QUESTION_ID
      known.isAsked = true
      const capabilities = await askOnce(announcement, session.jid, session.account.jid, id)
      if (id === QUESTION_ID) known.isAsked = false
      // It may have announced something else meanwhile.
      if (known.text !== text || session.closed) return
      known.capabilities = capabilities
      host.announce('caps/learned', { session })
    }

    function announcedIn(presence: Stanza): Capabilities | 'unknown' | undefined {
      if (presence.refs === last.refs) return last.capabilities
      const announcement = announcementIn(presence)
      if (announcement === undefined) return undefined
      const capabilities = lookUp(announcement)
      if (capabilities === undefined) return 'unknown'
      last.refs = presence.refs
      last.capabilities = capabilities
      return capabilities
    }

    function lookUp({ keys }: Announcement): Capabilities | undefined {
      for (const key of keys) {
        const capabilities = verified.get(key)
        if (capabilities !== undefined) return capabilities
      }
      return undefined
    }

    function askOnce(announcement: Announcement, whom: Jid, asking: Jid, id?: string): Maybe<Capabilities | undefined> {
      const question = `${whom.full} ${announcement.keys.join(' ')}`
      const before = unverified.get(question)
      if (before !== undefined) return before.capabilities
      const pending = asked.get(question)
      if (pending !== undefined || asked.size >= MOST_QUESTIONS) return pending
      const answer = ask(announcement, whom, asking, id).finally(() => asked.delete(question))
      asked.set(question, answer)
      return answer.then((capabilities) => {
        if (lookUp(announcement) === undefined) unverified.set(question, { capabilities })
        return capabilities
      })
    }

    async function ask(
      { caps, hashes, keys }: Announcement,
      whom: Jid,
      asking: Jid,
      id: string | undefined,
    ): Promise<Capabilities | undefined> {
      const [hash] = hashes
      const node = caps === undefined ? hash && capabilityHashNode(hash) : capsNode(caps)
      const payload = xml('query', { xmlns: NS.discoInfo, node })
      const request = { from: asking, to: whom, type: 'get', payload } as const
      try {
        const info = readDiscoInfo(await untilAbandoned(host.request(id === undefined ? request : { ...request, id })))
        if (info === undefined || info.features.join('').length > MOST_CHARS) return undefined
        const proven = provenBy(info, caps, hashes)
        const capabilities = capabilitiesOf(proven?.info ?? info)
        if (proven !== undefined) keep(keys[proven.place] ?? '', capabilities)
        return capabilities
      } catch (error) {
        // Whoever cannot say what it can do is taken to be able to do nothing in particular.
        if (error instanceof StanzaError) return undefined
        throw error
      }
    }

    /** The module is not kept waiting by those who do not answer. */
    function untilAbandoned<T>(answer: Promise<T>): Promise<T | undefined> {
      const { promise, resolve, reject } = Promise.withResolvers<T | undefined>()
      const giveUp = (): void => resolve(undefined)
      abandon.add(giveUp)
      void answer.then(resolve, reject).then(() => abandon.delete(giveUp))
      return promise
    }

    function keep(key: string, capabilities: Capabilities): void {
      verified.set(key, capabilities)
      const { identities, features } = capabilities
      host.spawn('remember a kind of client', () => kinds.set('', key, { identities, features: [...features] }))
    }
  },
})

function isBroadcast({ to, type }: Stanza): boolean {
  return to === undefined && type === undefined
}

function textIn({ refs, inner }: Stanza): string {
  let text = ''
  for (const { name, ns, start, end } of refs) {
    if (name === 'c' && (ns === NS.caps || ns === NS_ECAPS2)) text += inner.slice(start, end)
  }
  return text
}

/** The stronger hashes come first. */
function announcementIn(presence: Stanza): Announcement | undefined {
  const caps = presence.has('c', NS.caps) ? readCaps(presence.child('c', NS.caps)) : undefined
  const hashes = presence.has('c', NS_ECAPS2) ? readCapabilityHashes(presence.child('c', NS_ECAPS2)) : []
  if (caps === undefined && hashes.length === 0) return undefined
  const keys = hashes.map(({ algorithm, value }) => `390 ${algorithm} ${value}`)
  return { caps, hashes, keys: caps === undefined ? keys : [...keys, `115 ${caps.hash} ${caps.ver}`] }
}

/** What of an answer can be believed of everyone who announces the same, and which of the keys says so. */
function provenBy(
  info: DiscoInfo,
  caps: Caps | undefined,
  hashes: readonly CapabilityHash[],
): { readonly info: DiscoInfo; readonly place: number } | undefined {
  for (const [place, hash] of hashes.entries()) {
    const proven = verifiedByHash(hash, info)
    if (proven !== undefined) return { info: proven, place }
  }
  const proven = caps && verifiedInfo(caps, info)
  return proven && { info: proven, place: hashes.length }
}

/** What is kept long does not keep the stanza it came in. */
function capabilitiesOf({ identities, features }: StoredCapabilities): Capabilities {
  const owned = features.map(own)
  const interests = owned
    .filter((feature) => feature.endsWith(NOTIFY))
    .map((feature) => feature.slice(0, -NOTIFY.length))
  return {
    identities: identities.map(({ category, type, name, lang }) => ({
      category: own(category),
      type: own(type),
      name: name && own(name),
      lang: lang && own(lang),
    })),
    features: new Set(owned),
    interests: new Set(interests),
  }
}
