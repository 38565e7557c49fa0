/** Streams over WebSocket: every element is a frame (RFC 7395). */
import { type RawData, WebSocket } from 'ws'
import { NS } from './namespaces.ts'
import { happens, headerAttributes, withNamespace, type Wire, type WireListener, type WireOptions } from './wire.ts'
import type { XmlNode } from './xml-node.ts'
import { XmlReader } from './xml-reader.ts'

/** Rejects if nobody answers in time, or not with the subprotocol `xmpp`. */
export async function connectWebSocket(
  url: string,
  { certificate, timeoutSeconds }: WireOptions,
  listener: WireListener,
): Promise<Wire> {
  const socket = new WebSocket(url, ['xmpp'], { ...certificate, rejectUnauthorized: false, perMessageDeflate: false })
  try {
    await happens(socket, 'open', timeoutSeconds)
    return new WebSocketWire(socket, listener)
  } catch (error) {
    // Terminated before it is open, it has an error to tell once more.
    socket.on('error', () => undefined)
    socket.terminate()
    throw error
  }
}

class WebSocketWire implements Wire {
  readonly #socket: WebSocket
  readonly #listener: WireListener
  #isGone = false

  constructor(socket: WebSocket, listener: WireListener) {
    this.#socket = socket
    this.#listener = listener
    socket.on('message', (data, isBinary) => this.#take(data, isBinary))
    socket.on('error', (error) => this.#gone(error.message))
    socket.on('close', () => this.#gone(undefined))
  }

  openStream(domain: string): void {
    this.send(`<open xmlns='${NS.framing}' ${headerAttributes(domain)}/>`)
  }

  send(element: string): void {
    this.#socket.send(withNamespace(element))
  }

  sendRaw(bytes: Uint8Array): void {
    this.#socket.send(bytes, { binary: false })
  }

  closeStream(): void {
    this.send(`<close xmlns='${NS.framing}'/>`)
  }

  startTls(): Promise<void> {
    return Promise.reject(new Error('there is no STARTTLS over WebSocket'))
  }

  tlsExporter(): Buffer | undefined {
    return undefined
  }

  end(): void {
    this.#socket.close()
  }

  destroy(): void {
    this.#gone(undefined)
  }

  #take(data: RawData, isBinary: boolean): void {
    try {
      this.#tell(readFrame(data, isBinary))
    } catch (error) {
      if (!(error instanceof Error)) throw error
      this.#gone(`what the server sends is not acceptable: ${error.message}`)
    }
  }

  #tell(element: XmlNode): void {
    if (element.ns !== NS.framing) return this.#listener.onElement(element)
    if (element.name === 'open') return this.#listener.onOpen(element)
    if (element.name === 'close') return this.#listener.onClose()
    throw new Error(`<${element.name}> in the namespace of the framing`)
  }

  #gone(fault: string | undefined): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#socket.terminate()
    this.#listener.onGone(fault)
  }
}

/** A frame is one element, complete in itself and with nothing around it (RFC 7395 §3.3.3). */
function readFrame(data: RawData, isBinary: boolean): XmlNode {
  if (isBinary || !Buffer.isBuffer(data)) throw new Error('a binary frame')
  const text = data.toString()
  const elements: XmlNode[] = []
  let covered = 0
  const reader = new XmlReader('elements', {
    onElement: (element, start, end) => {
      elements.push(element)
      covered += end - start
    },
  })
  reader.write(text)
  reader.end()
  const [element] = elements
  if (element === undefined || elements.length > 1 || covered !== text.length) {
    throw new Error(`a frame that is not one element: ${text.slice(0, 60)}`)
  }
  return element
}
