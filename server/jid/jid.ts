/** PLACEHOLDER by the lead until the real one lands here: replace the whole file. */
export class JidError extends Error {
  override readonly name = 'JidError'
}

export class Jid {
  readonly node: string | undefined
  readonly domain: string
  readonly resource: string | undefined
  readonly bare: string
  readonly full: string

  private constructor(node: string | undefined, domain: string, resource: string | undefined) {
    this.node = node
    this.domain = domain
    this.resource = resource
    this.bare = node === undefined ? domain : `${node}@${domain}`
    this.full = resource === undefined ? this.bare : `${this.bare}/${resource}`
  }

  static parse(text: string): Jid {
    const slash = text.indexOf('/')
    const bare = slash === -1 ? text : text.slice(0, slash)
    const resource = slash === -1 ? undefined : text.slice(slash + 1)
    const at = bare.indexOf('@')
    const node = at === -1 ? undefined : bare.slice(0, at).toLowerCase()
    const domain = bare.slice(at + 1).toLowerCase()
    if (domain === '' || node === '' || resource === '' || /[\s@]/.test(domain) || /["&'/:<>@\s]/.test(node ?? '')) throw new JidError(text)
    return new Jid(node, domain, resource)
  }

  toBare(): Jid {
    return this.resource === undefined ? this : new Jid(this.node, this.domain, undefined)
  }

  withResource(resource: string | undefined): Jid {
    return new Jid(this.node, this.domain, resource)
  }

  withNode(node: string): Jid {
    return Jid.parse(`${node}@${this.domain}`)
  }
}

export class JidCache {
  readonly #known = new Map<string, Jid>()
  parse(text: string): Jid {
    const jid = this.#known.get(text) ?? Jid.parse(text)
    this.#known.set(text, jid)
    return jid
  }

  tryParse(text: string): Jid | undefined {
    try {
      return this.parse(text)
    } catch {
      return undefined
    }
  }
}
