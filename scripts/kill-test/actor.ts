/** A person of the kill test: a client, what it sends, and how soon it says what it has got. */
import type { TcpEndpoint } from '../../spec/play/tcp-wire.ts'
import { childOf, type XmlNode } from '../../spec/play/xml-node.ts'
import { type Archived, readArchive, resultIn } from './archive-reader.ts'
import type { Dice } from './dice.ts'
import type { Ledger, Sent } from './ledger.ts'
import { ManagedClient, type Person } from './managed-client.ts'

/** A room that everybody who talks is in. */
export const ROOM = 'theatre@rooms.localhost'

export interface ActorParts {
  readonly person: Person
  readonly ledger: Ledger
  readonly dice: Dice
  readonly isInRoom: boolean
}

export class Actor {
  readonly client: ManagedClient
  readonly #isInRoom: boolean
  readonly #ledger: Ledger
  readonly #dice: Dice
  /** What queries of the archive have brought, by their ids. */
  readonly #results = new Map<string, XmlNode[]>()
  /** The last item of each archive that has been read. */
  readonly #read = new Map<string, string>()

  constructor({ person, ledger, dice, isInRoom }: ActorParts) {
    this.#isInRoom = isInRoom
    this.#ledger = ledger
    this.#dice = dice
    this.client = new ManagedClient(person, {
      onMessage: (message, session) => this.#take(message, session),
      onHandled: (id) => ledger.acknowledged(id),
      onAsked: (answer) => this.#answer(answer),
    })
  }

  /** Connects; a new session sends presence, and enters the room if its person talks there. */
  arrive(endpoint: TcpEndpoint): Promise<void> {
    return this.client.connect(endpoint, async () => {
      this.client.send('<presence/>')
      if (this.#isInRoom) await this.#enter()
    })
  }

  say(sent: Sent, to: string): void {
    this.#ledger.sent(sent)
    const type = to === ROOM ? 'groupchat' : 'chat'
    const origin = `<origin-id xmlns='urn:xmpp:sid:0' id='${sent.id}'/>`
    this.client.send(
      `<message to='${to}' type='${type}' id='${sent.id}'><body>${sent.id}</body>${origin}</message>`,
      sent.id,
    )
  }

  /** What was archived since this was asked last, of the account or of the room. */
  async archived(room?: string): Promise<readonly Archived[]> {
    const owner = room ?? this.client.bare
    const found = await readArchive(this.client, this.#results, this.#read.get(owner), room)
    const last = found.at(-1)
    if (last !== undefined) this.#read.set(owner, last.archiveId)
    return found
  }

  async #enter(): Promise<void> {
    const { node, domain } = this.client.person
    const muc = `<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>`
    this.client.send(`<presence to='${ROOM}/${node} of ${domain}'>${muc}</presence>`)
    // Whoever made the room opens it; the others are told that it is not theirs. Then they are in it.
    const form = `<x xmlns='jabber:x:data' type='submit'/>`
    await this.client.request('set', `<query xmlns='http://jabber.org/protocol/muc#owner'>${form}</query>`, ROOM)
  }

  #take(message: XmlNode, session: number): void {
    const found = resultIn(message)
    if (found !== undefined) {
      this.#results.get(found.queryId)?.push(found.result)
      return
    }
    const id = message.attributes.get('id') ?? ''
    if (message.attributes.get('type') === 'error') this.#ledger.refused(id)
    else if (childOf(message, 'body', 'jabber:client') !== undefined) this.#ledger.delivered(id, this.#named(session))
  }

  /** At once, or as late as on a bad line. */
  #answer(answer: () => void): void {
    if (this.#dice.happens(0.6)) answer()
    else setTimeout(answer, this.#dice.between(1, 40))
  }

  #named(session: number): string {
    return `${this.client.bare} ${session}`
  }
}
