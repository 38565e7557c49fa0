/** Acts out a play: one action after another, until the end or the first failure. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { readElement, readRaw } from './block.ts'
import { Client } from './client.ts'
import { describeEnding, type Ending, type ServerAddress } from './connection.ts'
import { LoginError } from './login.ts'
import { match, type MatchOptions } from './matcher.ts'
import { NS } from './namespaces.ts'
import { patternOf } from './pattern.ts'
import type { Placeholder } from './placeholders.ts'
import { type Candidate, reportMismatch, reportStanzas } from './report.ts'
import { type Action, type Block, type Character, type Script, staticValueOf, type TransportName } from './script.ts'
import type { XmlNode } from './xml-node.ts'

export interface RunOptions extends MatchOptions {
  /** For characters that do not say how they connect. */
  readonly transport: TransportName
  /** For each thing that is waited for. */
  readonly timeoutSeconds: number
  /** Resolves when the server is done with what was sent, if it can tell. */
  readonly settled?: () => Promise<void>
}

/** How a play went. */
export type Outcome =
  | { readonly passed: true }
  | { readonly passed: false; readonly line: number; readonly problem: string; readonly report: readonly string[] }

export const defaultRunOptions: RunOptions = {
  transport: 'tcp',
  timeoutSeconds: 5,
  exactType: false,
  exactText: false,
}

/** Runs a play once. Never rejects because of what the server does. */
export async function runPlay(script: Script, address: ServerAddress, options: RunOptions): Promise<Outcome> {
  return new Run(script, address, options).run()
}

/**
 * Nothing in XMPP orders what two clients send, but plays do: this long after one has sent, the server is taken to be
 * done with it.
 */
const SETTLE_MILLISECONDS = 10

/** How long clients that are still connected after the last action may take to leave. */
const CURTAIN_SECONDS = 1

class Failure extends Error {
  override readonly name = 'Failure'
  readonly report: readonly string[]

  constructor(problem: string, report: readonly string[] = [], options?: ErrorOptions) {
    super(problem, options)
    this.report = report
  }
}

const endingVerbs: ReadonlySet<Action['verb']> = new Set(['receives stream error', 'is disconnected'])
const openingVerbs: ReadonlySet<Action['verb']> = new Set(['connects', 'opens', 'authenticates', 'cannot connect'])
/** Verbs that make the client say something. */
const activeVerbs: ReadonlySet<Action['verb']> = new Set([
  ...openingVerbs,
  'disconnects',
  'drops',
  'sends',
  'sends raw',
  'receives nothing',
])

class Run {
  readonly #script: Script
  readonly #options: RunOptions
  readonly #clients: ReadonlyMap<Character, Client>
  readonly #captures = new Map<string, string>()
  /** Rejects when a connection ends that no action expects to end. */
  readonly #doom = Promise.withResolvers<never>()
  #position = 0
  #lastSent: { readonly by: Character; readonly at: number } | undefined

  constructor(script: Script, address: ServerAddress, options: RunOptions) {
    this.#script = script
    this.#options = options
    this.#clients = new Map(
      [...script.characters.values()].map((character) => {
        const client = new Client(character, {
          address,
          transport: character.transport ?? options.transport,
          timeoutSeconds: options.timeoutSeconds,
          certificate: certificateOf(character, script.file),
          onEnding: () => this.#checkEnding(character),
        })
        return [character, client]
      }),
    )
    this.#doom.promise.catch(() => undefined)
  }

  async run(): Promise<Outcome> {
    try {
      for (const [position, action] of this.#script.actions.entries()) {
        this.#position = position
        await Promise.race([this.#doom.promise, this.#perform(action)])
      }
      return { passed: true }
    } catch (error) {
      if (!(error instanceof Error)) throw error
      const line = this.#script.actions[this.#position]?.line ?? 0
      return { passed: false, line, problem: error.message, report: error instanceof Failure ? error.report : [] }
    } finally {
      await this.#curtain()
    }
  }

  async #perform(action: Action): Promise<void> {
    const { character, verb } = action
    const client = this.#clientOf(character)
    if (activeVerbs.has(verb)) await this.#settle(character)
    if (!openingVerbs.has(verb) && !client.hasConnected) throw new Failure(`${character.name} has never connected`)
    switch (verb) {
      case 'opens':
        await client.open()
        return this.#noteSent(character)
      case 'authenticates':
        await client.authenticate()
        return this.#noteSent(character)
      case 'connects':
        await client.connect()
        return this.#noteSent(character)
      case 'cannot connect':
        return this.#failToConnect(client, action.condition)
      case 'disconnects':
        await client.disconnect()
        return this.#noteSent(character)
      case 'drops':
        client.drop()
        return this.#noteSent(character)
      case 'sends':
        client.send(readElement(action.block, this.#valueOf).source)
        return this.#noteSent(character)
      case 'sends raw':
        client.sendRaw(readRaw(action.block, this.#valueOf))
        return this.#noteSent(character)
      case 'receives':
        return this.#receive(client, action.block)
      case 'receives nothing':
        return this.#receiveNothing(client, character)
      case 'receives stream error':
        return this.#receiveStreamError(client, action.condition)
      case 'is disconnected':
        return expectClosed(await client.endedByServer())
    }
  }

  async #failToConnect(client: Client, condition: string): Promise<void> {
    try {
      await client.connect()
    } catch (error) {
      if (!(error instanceof LoginError) || error.condition !== condition) throw error
      return client.drop()
    }
    throw new Failure(`has connected, though ${condition} was expected`)
  }

  /** Passes over stanzas that do not match: they are gone for good (spec/README.md, “Which stanza”). */
  async #receive(client: Client, block: Block): Promise<void> {
    const pattern = patternOf(readElement(block, this.#valueOf).node)
    const deadline = performance.now() + this.#options.timeoutSeconds * 1_000
    const candidates: Candidate[] = []
    for (;;) {
      const stanza = await client.next(deadline)
      if (stanza === undefined) break
      const verdict = match(pattern, stanza, this.#options)
      if (!verdict.matches) {
        candidates.push({ stanza, reason: verdict.reason })
        continue
      }
      for (const [name, value] of verdict.captures) this.#captures.set(name, value)
      return
    }
    const { ending } = client
    const problem = ending === undefined ? 'expected a stanza that did not come' : describeEnding(ending)
    throw new Failure(problem, reportMismatch(pattern, candidates))
  }

  /** What a ping overtakes is not on its way any more, so no clock has to decide. */
  async #receiveNothing(client: Client, character: Character): Promise<void> {
    const id = `nothing-${this.#position}`
    const received: XmlNode[] = []
    const deadline = performance.now() + this.#options.timeoutSeconds * 1_000
    client.send(`<iq type='get' id='${id}' to='${character.domain}'><ping xmlns='${NS.ping}'/></iq>`)
    for (;;) {
      const stanza = await client.next(deadline)
      if (stanza === undefined) throw new Failure('the ping that shows that nothing was received was not answered')
      if (stanza.name === 'iq' && stanza.attributes.get('id') === id) break
      received.push(stanza)
    }
    received.push(...client.takeAll())
    if (received.length > 0) throw new Failure('expected nothing', reportStanzas('received:', received))
  }

  async #receiveStreamError(client: Client, condition: string): Promise<void> {
    const ending = await client.endedByServer()
    if (ending.kind === 'stream error' && ending.condition === condition) return
    throw new Failure(`expected the stream error ${condition}, but: ${describeEnding(ending)}`)
  }

  /** Ends the play unless the end of this stream is awaited, now or later. A login tells of its own failure. */
  #checkEnding(character: Character): void {
    const [current, ...later] = this.#script.actions.slice(this.#position)
    if (current?.character === character && openingVerbs.has(current.verb)) return
    const decisive = [current, ...later].find(
      (action) => action?.character === character && (endingVerbs.has(action.verb) || openingVerbs.has(action.verb)),
    )
    const { ending } = this.#clientOf(character)
    if (ending === undefined || (decisive !== undefined && endingVerbs.has(decisive.verb))) return
    this.#doom.reject(new Failure(`${character.name}: ${describeEnding(ending)}`))
  }

  readonly #valueOf = (placeholder: Placeholder): string => {
    if (placeholder.kind === 'capture') return this.#captures.get(placeholder.name) ?? ''
    const known = staticValueOf(this.#script, placeholder)
    if (known !== undefined) return known
    const character = this.#script.characters.get(placeholder.character)
    const jid = character && this.#clientOf(character).fullJid
    if (jid === undefined) throw new Failure(`\${${placeholder.character}'s full JID}: has never connected`)
    return jid
  }

  #clientOf(character: Character): Client {
    const client = this.#clients.get(character)
    if (client === undefined) throw new Failure(`${character.name} is no character of this play`)
    return client
  }

  #noteSent(by: Character): void {
    this.#lastSent = { by, at: performance.now() }
  }

  async #settle(next: Character): Promise<void> {
    const last = this.#lastSent
    if (last === undefined || last.by === next) return
    const remaining = last.at + SETTLE_MILLISECONDS - performance.now()
    if (remaining > 0) await pause(Math.ceil(remaining))
    // A busy process may be late for the timer and have yet to read what was sent: a server in it goes first.
    await turn()
    await this.#options.settled?.()
  }

  /** Nothing that happens here changes how the play went. */
  async #curtain(): Promise<void> {
    const connected = [...this.#clients.values()].filter(({ isConnected }) => isConnected)
    const leaving = Promise.allSettled(connected.map((client) => client.disconnect()))
    await Promise.race([leaving, pause(CURTAIN_SECONDS * 1_000, undefined, { ref: false })])
    for (const client of this.#clients.values()) client.drop()
  }
}

function expectClosed(ending: Ending): void {
  if (ending.kind !== 'closed') throw new Failure(`expected the stream to be closed, but: ${describeEnding(ending)}`)
}

function certificateOf({ certificate }: Character, file: string): { cert?: Buffer; key?: Buffer } {
  if (certificate === undefined) return {}
  const pem = readFileSync(resolve(dirname(file), certificate))
  return { cert: pem, key: pem }
}
