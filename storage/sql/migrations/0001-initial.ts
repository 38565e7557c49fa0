/** The first tables (drawn in docs/storage.md). */
import type { Migration } from '../migrate.ts'

export const initial: Migration = {
  number: 1,
  name: 'initial',
  async up(session) {
    const { number, sequence, name } = session.dialect.types
    await session.execute(`
      CREATE TABLE store (
        number ${sequence},
        host ${name} NOT NULL,
        name ${name} NOT NULL,
        UNIQUE (host, name)
      );
      CREATE TABLE keyval (
        store ${number} NOT NULL,
        owner ${name} NOT NULL,
        key ${name} NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (store, owner, key)
      );
      CREATE TABLE address (
        number ${sequence},
        jid ${name} NOT NULL UNIQUE
      );
      CREATE TABLE archive (
        number ${sequence},
        store ${number} NOT NULL,
        owner ${name} NOT NULL,
        skew ${number} NOT NULL DEFAULT 0,
        UNIQUE (store, owner)
      );
      CREATE TABLE archive_item (
        id ${number} PRIMARY KEY,
        archive ${number} NOT NULL,
        peer ${number} NOT NULL,
        resource TEXT,
        kind TEXT,
        at ${number} NOT NULL,
        stanza TEXT NOT NULL
      );
      CREATE INDEX archive_item_archive ON archive_item (archive${session.dialect.idInIndex});
      CREATE INDEX archive_item_peer ON archive_item (archive, peer${session.dialect.idInIndex});
    `)
  },
}
