/** What modules contribute to lists that other modules, or the kernel, read. */
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
  identity: Identity
  command: AnyCommand
  'stream-feature': StreamFeature
}

/** What a host or room is (XEP-0030 §3.1). */
export interface Identity {
  readonly category: string
  readonly type: string
  readonly name?: string
}

/** A child of `<stream:features/>`, and when it is offered. */
export interface StreamFeature {
  readonly needs: readonly StreamFact[]
  readonly forbids: readonly StreamFact[]
  /** Its element, or undefined to keep silent this time. */
  offer(stream: Stream): Element | undefined
}
