/** What modules contribute to lists that other modules, or the kernel, read. */
import type { DiscoInfo, Identity } from '../protocol/disco-info.ts'
import type { DiscoItem } from '../protocol/disco-items.ts'
import type { Jid } from '../jid/jid.ts'
import type { Maybe } from '../util/maybe.ts'
import type { Account } from '../session/account.ts'
import type { ClientSession } from '../session/client-session.ts'
import type { Stream, StreamFact } from '../stream/stream.ts'
import type { Element } from '../xml/element.ts'
import type { AnyCommand } from '../admin/command.ts'

/**
 * The kinds of things that can be provided, merged into by whoever reads the
 * list: features for disco, commands for the shell and ad-hoc, stream features.
 */
export interface Provisions {
  /** A namespace the host announces (XEP-0030). */
  feature: string
  /** A namespace that the accounts of the host announce. */
  'account-feature': string
  /** What the host is (XEP-0030 §3.1). */
  identity: Identity
  /** A data form with more about the host (XEP-0128), made when it is asked for. */
  'disco-form': () => Element
  /** An entity that belongs to the host (XEP-0030 §4). */
  item: DiscoItem
  /** A node of the host or of its accounts that can be asked about. */
  'disco-node': DiscoNode
  command: AnyCommand
  'stream-feature': StreamFeature
  /** What a client may have switched on while it binds a resource (XEP-0386 §3.1). */
  'bind-feature': BindFeature
  /** What a client is told of its account when it has bound a resource (XEP-0386 §3.2). */
  'bound-info': (account: Account) => Promise<Element>
}

/** The same for modules of the server, which other such modules and the kernel read. */
export interface ServerProvisions {
  command: AnyCommand
  /** Where web clients can connect. */
  'web-endpoint': WebEndpoint
}

export interface WebEndpoint {
  /** What it is, as a link relation (XEP-0156 §2.1). */
  readonly rel: string
  readonly scheme: 'https' | 'wss'
  /** On the http listeners. */
  readonly path: string
}

export interface BindFeature {
  /** As it is announced: a namespace. */
  readonly ns: string
  /** Does what a child of `<bind/>` asks for, if there is one; gives what is to be answered, if anything is. */
  apply(session: ClientSession, bind: Element): Element | undefined
}

/** A child of `<stream:features/>`, and when it is offered. */
export interface StreamFeature {
  readonly needs: readonly StreamFact[]
  readonly forbids: readonly StreamFact[]
  /** Its element, or undefined to keep silent this time. */
  offer(stream: Stream): Element | undefined
}

/** Answers for one node; where the answer is undefined, nobody is told that the node is there. */
export interface DiscoNode {
  readonly node: string
  info(asking: Jid): Maybe<DiscoInfo | undefined>
  items(asking: Jid): Maybe<readonly DiscoItem[] | undefined>
}
