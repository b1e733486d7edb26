import { crc32 } from 'node:zlib';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { ask, hasColumn } from '../file/ask.js';
import { readable } from '../store/text.js';

/** Returns the checksum of an entry over these texts, in this order. It detects accidents, not forgery. */
export function sumOf(...texts: readonly string[]): number {
  return texts.reduce((sum, text) => crc32(text, sum), 0);
}

/**
 * Returns whether an event or a dead letter differs from what was written. An entry of an older store, without a
 * checksum, counts as sound.
 */
export function isGarbled(row: {
  readonly order_key: unknown;
  readonly json: unknown;
  readonly sum: number | null;
}): boolean {
  return row.sum !== null && row.sum !== sumOf(readable(row.order_key), readable(row.json));
}

// The texts that each table's checksum covers. It includes the order key of events and dead letters, which decides the
// order of delivery.
const SUMMED = {
  event: 'order_key, json',
  dead_letter: 'order_key, json',
  quarantine: 'source, delivery, raw',
} as const;

/**
 * Counts the entries that differ from what was written. Entries of older stores, which have no checksum, count as
 * sound. Reads all entries.
 */
export function countGarbled(database: DatabaseSyncInstance): number {
  database.function('trackbridge_sum', { varargs: true }, (...stored: unknown[]) =>
    sumOf(...stored.map(readable)),
  );
  return Object.entries(SUMMED)
    .filter(([table]) => hasColumn(database, table, 'sum'))
    .map(([table, columns]) => {
      const unlike = `sum IS NOT NULL AND sum IS NOT trackbridge_sum(${columns})`;
      return Number(ask(database, `SELECT count(*) FROM ${table} WHERE ${unlike}`));
    })
    .reduce((sum, count) => sum + count, 0);
}
