import type { EntryFilter } from '../../entries.js';

/** The maximum number of entries per page. */
const PAGE_LIMIT = 1_000;

/** What a bound has dropped, by the sink or source that it belonged to. */
export type Drops = readonly {
  readonly name: string;
  readonly events: number;
  readonly bound: 'max' | 'keep';
}[];

/** Returns the row of an external id. For an id that is not ours, a row that never exists. */
export function rowOf(id: string): number {
  return /^[1-9][0-9]{0,14}$/.test(id) ? Number(id) : 0;
}

/** Returns rows as the text of an array. */
export function idsOf(ids: readonly string[]): string {
  return `{${ids.map(rowOf).join(',')}}`;
}

export function pageOf({ after = '', limit }: Omit<EntryFilter, 'name'>): {
  readonly after: number;
  readonly limit: number;
} {
  return { after: rowOf(after), limit: Math.min(Math.max(Math.trunc(limit), 0), PAGE_LIMIT) };
}
