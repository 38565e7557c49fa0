/** Statements with their values apart, so that a value can never become text. */
import type { Dialect } from './dialect.ts'

export type SqlValue = string | number | null

/** A statement, or a part of one. */
export interface Sql {
  readonly strings: readonly string[]
  readonly values: readonly (SqlValue | Sql)[]
}

/** Writes a statement: what stands in `${}` is a value, or another part. */
export function sql(strings: TemplateStringsArray, ...values: (SqlValue | Sql)[]): Sql {
  return { strings, values }
}

/** Parts one after another. */
export function joined(parts: readonly Sql[]): Sql {
  if (parts.length === 0) return sql``
  return { strings: ['', ...parts.map(() => '')], values: parts }
}

/** A statement as a database takes it. */
export interface Statement {
  /** Made only of what stands in the source, so there are few of them, and each may be prepared. */
  readonly text: string
  readonly values: readonly SqlValue[]
}

export function statementOf(query: Sql, dialect: Dialect): Statement {
  const values: SqlValue[] = []
  return { text: append('', query, values, dialect), values }
}

function append(before: string, { strings, values }: Sql, into: SqlValue[], dialect: Dialect): string {
  let text = before + (strings[0] ?? '')
  for (const [i, value] of values.entries()) {
    if (typeof value === 'object' && value !== null) text = append(text, value, into, dialect)
    else text += dialect.parameter(into.push(value))
    text += strings[i + 1] ?? ''
  }
  return text
}
