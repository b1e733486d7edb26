import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MAY_IMPORT, violations } from './rules.js';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));

/** The inspector's page runs in a browser: its time is the browser's, and its reader is a person. */
const PAGE = 'workbench/inspector/page/';

const files = new Map(
  readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|js)$/.test(file))
    .sort()
    .map((file) => [file, readFileSync(join(SRC, file), 'utf8')]),
);

/** Modules that still set timers of their own, until each has moved to the clock. */
const TIMERS_TO_MOVE: readonly string[] = ['workbench/inspect/explain-thread.ts'];

const exempt = {
  time: new Set([...files.keys()].filter((file) => file.startsWith(PAGE)).concat(TIMERS_TO_MOVE)),
};

describe('the modules of src', () => {
  it('import only what their room may import, and take time from the clock', () => {
    expect(violations(files, exempt)).toEqual([]);
  });

  it('fill every room that the rules name', () => {
    const rooms = new Set([...files.keys()].map((file) => file.split('/')[0]));
    expect([...rooms].sort()).toEqual(Object.keys(MAY_IMPORT).sort());
  });

  it('hold no any, no unfinished business and no console', () => {
    const pattern = /\bas any\s*[;,)]|<any>|TODO|FIXME|console\./;
    expect([...files].flatMap(([file, text]) => (pattern.test(text) ? file : []))).toEqual([]);
  });

  it('stay small', () => {
    // What is generated grows with the options, and nobody edits it.
    const written = [...files].filter(([file]) => !file.startsWith('config/generated/'));
    const long = written.flatMap(([file, text]) => (text.split('\n').length > 400 ? file : []));
    expect(long).toEqual([]);
  });
});
