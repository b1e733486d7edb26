import { crc32 } from 'node:zlib';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { ask, hasColumn } from './sqlite-ask.js';
import { readable } from './sqlite-text.js';

/** The checksum of an entry: of these of its texts, in this order. It tells accidents, not forgery. */
export function sumOf(...texts: readonly string[]): number {
  return texts.reduce((sum, text) => crc32(text, sum), 0);
}

// Which texts each table sums up. An event's and a dead letter's order key is part of it: it decides the order of delivery.
const SUMMED = {
  event: 'order_key, json',
  dead_letter: 'order_key, json',
  quarantine: 'source, delivery, raw',
} as const;

/** How many entries are not what was written; those of older stores, which have no checksum, count as sound. Reads all. */
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
