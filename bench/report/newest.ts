import { readdirSync, readFileSync } from 'node:fs';
import type { Result } from './result.js';

const RESULTS = new URL('../results/', import.meta.url);

/** The newest committed result, by its own date. Throws if there is none. */
export function newestResult(): Result {
  const results = readdirSync(RESULTS)
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(new URL(file, RESULTS), 'utf8')) as Result)
    .sort((a, b) => b.machine.date.localeCompare(a.machine.date));
  const [newest] = results;
  if (newest === undefined) throw new Error('bench/results is empty: run `npm run bench`');
  return newest;
}
