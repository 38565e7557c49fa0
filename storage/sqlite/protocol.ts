/** What the thread of the database and the one that uses it say to each other. */
import type { SqlValue } from '../sql/sql.ts'

/** Given to the thread when it starts. */
export interface WorkerData {
  readonly path: string
}

export type Request = Query | Part | Commit | Execute | Close

export interface Query {
  readonly kind: 'query'
  readonly id: number
  readonly text: string
  readonly values: readonly SqlValue[]
}

/** The answer to a query. Arrays take half as long to hand over as objects, which say their keys again for each row. */
export interface Rows {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly SqlValue[])[]
}

/** A step of a transaction that is to be kept until the commit comes. There is no answer. */
export interface Part {
  readonly kind: 'part'
  readonly transaction: number
  readonly step: WireStep
}

/** The last step of a transaction; it is begun, run and committed now. The answer is the changed rows of each step. */
export interface Commit {
  readonly kind: 'commit'
  readonly id: number
  readonly transaction: number
  /** How many parts have been sent: a thread that was started anew in between has not seen them. */
  readonly parts: number
  readonly step: WireStep
}

export interface Execute {
  readonly kind: 'execute'
  readonly id: number
  readonly text: string
}

export interface Close {
  readonly kind: 'close'
  readonly id: number
}

/** A statement that is run once for each of `count` rows, whose values are given by column. */
export interface WireStep {
  readonly text: string
  readonly count: number
  readonly columns: readonly (readonly SqlValue[])[]
}

export type Answer = Result | Failure

export interface Result {
  readonly id: number
  readonly result: unknown
}

export interface Failure {
  readonly id: number
  readonly error: string
}
