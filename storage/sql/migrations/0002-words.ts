/** The index of the words of archived items (drawn in docs/storage.md). What is there is indexed later, in slices. */
import type { Migration } from '../migrate.ts'

export const words: Migration = {
  number: 2,
  name: 'words',
  async up(session) {
    const { number } = session.dialect.types
    await session.execute(`
      ${session.dialect.words.create}
      ALTER TABLE store ADD COLUMN searchable INTEGER NOT NULL DEFAULT 0;
      CREATE TABLE archive_indexed (last ${number} NOT NULL, reached ${number} NOT NULL);
      INSERT INTO archive_indexed (last, reached) VALUES (0, 0);
    `)
  },
}
