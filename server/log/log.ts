/** What the server tells its admin: fixed phrases with fields, never a body, never a secret. */
import { pino, type DestinationStream, type Logger } from 'pino'

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

/** The fields a line may have (DESIGN §14); a closed list, so that one thing has one name everywhere. */
export interface LogFields {
  readonly jid?: string | undefined
  readonly host?: string | undefined
  readonly module?: string | undefined
  readonly hook?: string | undefined
  readonly stream?: string | undefined
  /** The head of a stanza: never its content. */
  readonly stanza?: string | undefined
  readonly peer?: string | undefined
  readonly path?: string | undefined
  readonly command?: string | undefined
  readonly task?: string | undefined
  readonly mechanism?: string | undefined
  readonly reason?: string | undefined
  readonly error?: unknown
  readonly seconds?: number | undefined
  readonly bytes?: number | undefined
  readonly count?: number | undefined
}

export interface Log {
  debug(phrase: string, fields?: LogFields): void
  info(phrase: string, fields?: LogFields): void
  warn(phrase: string, fields?: LogFields): void
  error(phrase: string, fields?: LogFields): void
  /** A log whose lines carry these fields; `module` chooses the level that the admin has set for it. */
  child(fields: LogFields): Log
}

export interface LogOptions {
  readonly level: LogLevel
  /** Levels of single modules. */
  readonly modules: ReadonlyMap<string, LogLevel>
}

/** A log that writes one JSON object a line to `sink`. */
export function createLog(options: LogOptions, sink: DestinationStream): PinoLog {
  const logger = pino(
    {
      level: options.level,
      base: {},
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
      messageKey: 'message',
      errorKey: 'error',
    },
    sink,
  )
  return new PinoLog(logger, new Map(options.modules), undefined)
}

/** The log of the server. Levels can be changed while it runs. */
class PinoLog implements Log {
  readonly #logger: Logger
  readonly #levels: Map<string, LogLevel>
  /** By the module that they are of; '' for none. */
  readonly #children = new Map<string, Set<Logger>>()
  readonly #root: PinoLog

  constructor(logger: Logger, levels: Map<string, LogLevel>, root: PinoLog | undefined) {
    this.#logger = logger
    this.#levels = levels
    this.#root = root ?? this
  }

  debug(phrase: string, fields?: LogFields): void {
    this.#logger.debug(fields, phrase)
  }

  info(phrase: string, fields?: LogFields): void {
    this.#logger.info(fields, phrase)
  }

  warn(phrase: string, fields?: LogFields): void {
    this.#logger.warn(fields, phrase)
  }

  error(phrase: string, fields?: LogFields): void {
    this.#logger.error(fields, phrase)
  }

  child(fields: LogFields): Log {
    const { module = '' } = fields
    const level = this.#levels.get(module)
    const logger = this.#logger.child({ ...fields }, level === undefined ? {} : { level })
    const loggers = this.#root.#children.get(module) ?? new Set<Logger>()
    this.#root.#children.set(module, loggers.add(logger))
    return new PinoLog(logger, this.#levels, this.#root)
  }

  /** Changes the level of a module, or of everything that has none of its own. */
  setLevel(module: string | undefined, level: LogLevel): void {
    if (module === undefined) this.#logger.level = level
    else this.#levels.set(module, level)
    this.#refresh()
  }

  /** Changes all levels to those of another configuration. */
  configure({ level, modules }: LogOptions): void {
    this.#logger.level = level
    this.#levels.clear()
    for (const [module, own] of modules) this.#levels.set(module, own)
    this.#refresh()
  }

  #refresh(): void {
    for (const [module, loggers] of this.#children) {
      const level = this.#levels.get(module) ?? this.#logger.level
      for (const logger of loggers) logger.level = level
    }
  }
}

export type { PinoLog }
