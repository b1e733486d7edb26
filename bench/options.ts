import { parseArgs } from 'node:util';
import type { Settings } from './report/result.js';

export interface Options {
  readonly settings: Settings;
  /** The names of the sections to run. */
  readonly sections: readonly string[];
  /** The file for the result as JSON; absent, the result of a run of everything goes to `bench/results`. */
  readonly json?: string;
  readonly guard: boolean;
}

export const USAGE = `npm run bench -- [OPTION...]
  --only NAME,...   run only these sections
  --lines TEXT      measure only the lines whose names contain TEXT
  --rounds N        rounds of every line (default 5)
  --requests N      requests of one run of one line, after a third of it as warm-up (default 24000)
  --events N        events of the memory section (default 1000000)
  --full            also with 1,000,000 and 5,000,000 pending events; takes 10 GB of disk
  --json FILE       write the result to FILE
  --guard           compare only the CPU per request with the committed value; exit 1 if it is a third worse`;

/** Reads the command line. Throws an error whose message says what is wrong. */
export function parseOptions(args: readonly string[], names: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      lines: { type: 'string' },
      rounds: { type: 'string' },
      requests: { type: 'string' },
      events: { type: 'string' },
      full: { type: 'boolean' },
      json: { type: 'string' },
      guard: { type: 'boolean' },
    },
  });
  const sections = values.only?.split(',') ?? names;
  const unknown = sections.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new Error(`there is no section ${unknown}: choose from ${names.join(', ')}`);
  }
  return {
    settings: {
      rounds: countOf('rounds', values.rounds, 5),
      requests: countOf('requests', values.requests, 24_000),
      events: countOf('events', values.events, 1_000_000),
      full: values.full === true,
      ...(values.lines === undefined ? {} : { lines: values.lines }),
    },
    sections,
    guard: values.guard === true,
    ...(values.json === undefined ? {} : { json: values.json }),
  };
}

function countOf(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new Error(`--${name} must be a whole number of at least 1, not ${text}`);
}
