/** Why something could not be stored or read. */

/**
 * - `unavailable`: the database cannot be reached, or has been closed
 * - `overloaded`: more is waiting to be written than may wait
 * - `invalid`: what was given cannot be stored
 * - `newer`: the database was written by a newer version of the server
 * - `failed`: the database refused
 */
export type StorageErrorReason = 'unavailable' | 'overloaded' | 'invalid' | 'newer' | 'failed'

/** Thrown, or what a promise rejects with, by everything in `storage`. Its text names no owner and no content. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly reason: StorageErrorReason

  constructor(reason: StorageErrorReason, text: string, options?: ErrorOptions) {
    super(text, options)
    this.reason = reason
  }
}
