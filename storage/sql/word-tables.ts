/**
 * The index of words, as each of the databases has it. Its words begin with the number of their archive, so that what is
 * read for a search is what one archive has: a word that everybody uses is not looked up among those of everybody.
 */
import type { Term } from '../words.ts'
import type { Bulk } from './database.ts'
import { type Sql, sql } from './sql.ts'

export interface WordTables {
  readonly create: string
  /** Rows of an item's id and its words; nothing changes for an item that is gone, or has words already. */
  readonly insert: Bulk
  /** Puts these words in the place of those of an item, if it is in the archive. */
  put(id: number, archive: Sql, words: string): Sql
  drop(ids: Sql): Sql
  /** The ids that a search finds between two others, as they stand behind FROM, up to a first condition. */
  found(search: string, after: number, before: number): Sql
  /** The same, with the rest of the items. */
  foundItems(search: string, after: number, before: number): Sql
  /** An id of these, by which they are sorted before the rest of the items is looked up. */
  readonly foundId: Sql
  /** What finds all of the terms in an archive. */
  searchFor(terms: readonly Term[], archive: number): string
}

/** Words as they are indexed. */
export function indexText(words: Iterable<string>, archive: number): string {
  const prefix = prefixOf(archive)
  let text = ''
  for (const word of words) text += text === '' ? prefix + word : ` ${prefix}${word}`
  return text
}

/** No word has the character in it. */
function prefixOf(archive: number): string {
  return `${archive.toString(36)}_`
}

/**
 * A table of FTS5 that keeps no texts. The words come divided and folded, so its tokenizer has nothing left to do but
 * to look for spaces.
 */
export const sqliteWords: WordTables = {
  create: `CREATE VIRTUAL TABLE archive_words USING fts5
    (words, content = '', contentless_delete = 1, detail = none, tokenize = "ascii tokenchars '_'");`,
  insert: {
    types: ['number', 'text'],
    text: (rows) => `
      INSERT INTO archive_words (rowid, words) SELECT r.column1, r.column2 FROM ${rows}
      WHERE EXISTS (SELECT 1 FROM archive_item WHERE id = r.column1)
        AND NOT EXISTS (SELECT 1 FROM archive_words WHERE rowid = r.column1)`,
  },
  put: (id, archive, words) => sql`
    INSERT OR REPLACE INTO archive_words (rowid, words)
    SELECT id, ${words} FROM archive_item WHERE id = ${id} AND archive = ${archive}`,
  drop: (ids) => sql`DELETE FROM archive_words WHERE rowid ${ids}`,
  found: (search, after, before) => sql`
    archive_words WHERE archive_words MATCH ${search}
      AND archive_words.rowid > ${after} AND archive_words.rowid < ${before}`,
  foundItems: (search, after, before) => sql`
    archive_words CROSS JOIN archive_item ON id = archive_words.rowid
    WHERE archive_words MATCH ${search} AND archive_words.rowid > ${after} AND archive_words.rowid < ${before}`,
  foundId: sql`archive_words.rowid`,
  searchFor: (terms, archive) =>
    terms.map(({ text, isBeginning }) => `"${prefixOf(archive)}${text}"${isBeginning ? ' *' : ''}`).join(' AND '),
}

/**
 * A tsvector of words that come divided and folded. The GIN index is written at once, since every search would have to
 * read what is pending.
 *
 * OFFSET 0 has each part planned by itself: without, a bad guess at how many items there are has whole tables read.
 */
export const postgresWords: WordTables = {
  create: `
    CREATE TABLE archive_words (id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL);
    CREATE INDEX archive_words_words ON archive_words USING gin (words) WITH (fastupdate = off);`,
  insert: {
    types: ['number', 'text'],
    text: (rows) => `
      INSERT INTO archive_words (id, words)
      SELECT r.column1, array_to_tsvector(string_to_array(r.column2, ' ')) FROM ${rows}
      WHERE EXISTS (SELECT 1 FROM archive_item WHERE id = r.column1) ON CONFLICT (id) DO NOTHING`,
  },
  put: (id, archive, words) => sql`
    INSERT INTO archive_words (id, words)
    SELECT id, array_to_tsvector(string_to_array(${words}, ' ')) FROM archive_item
    WHERE id = ${id} AND archive = ${archive} ON CONFLICT (id) DO UPDATE SET words = excluded.words`,
  drop: (ids) => sql`DELETE FROM archive_words WHERE id ${ids}`,
  found: (search, after, before) => sql`
    (SELECT id AS found FROM archive_words WHERE words @@ ${search}::tsquery OFFSET 0) AS f
    WHERE found > ${after} AND found < ${before}`,
  foundItems: (search, after, before) => sql`
    (SELECT id AS found FROM archive_words WHERE words @@ ${search}::tsquery OFFSET 0) AS f
    CROSS JOIN LATERAL (SELECT * FROM archive_item WHERE id = found OFFSET 0) AS archive_item
    WHERE found > ${after} AND found < ${before}`,
  foundId: sql`found`,
  searchFor: (terms, archive) =>
    terms.map(({ text, isBeginning }) => `'${prefixOf(archive)}${text}'${isBeginning ? ':*' : ''}`).join(' & '),
}
