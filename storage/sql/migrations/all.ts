/** The history of the tables, in order. */
import type { Migration } from '../migrate.ts'
import { initial } from './0001-initial.ts'
import { words } from './0002-words.ts'

export const migrations: readonly Migration[] = [initial, words]
