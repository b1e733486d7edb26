import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

/** What each room may import, beside itself. Imports only go down, so there are no cycles between rooms. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'cli.ts': ['commands'],
  commands: [
    'trackbridge.ts',
    'admin',
    'sources',
    'verify',
    'outbox',
    'config',
    'sinks',
    'telemetry',
    'errors.ts',
    'clock.ts',
    'decode',
    'explain',
    'emulate',
    'event',
    'doctor',
    'inspect',
  ],
  // Why a signature does not hold: pure, and used by the command alone.
  explain: ['verify', 'errors.ts'],
  // Deliveries to any receiver, of which it knows no more than its URL.
  doctor: ['errors.ts', 'clock.ts'],
  'trackbridge.ts': [
    'http',
    'admin',
    'sources',
    'decode',
    'event',
    'outbox',
    'dispatch',
    'sinks',
    'config',
    'telemetry',
    'inspect',
    'errors.ts',
    'clock.ts',
  ],
  // The admin listener answers problems and health as the ingest listener does.
  admin: [
    'http',
    'inspect',
    'verify',
    'event',
    'dispatch',
    'outbox',
    'telemetry',
    'errors.ts',
    'clock.ts',
  ],
  // Records what http and dispatch do, behind interfaces of theirs or of its own; knows neither.
  inspect: ['explain', 'verify', 'event', 'outbox', 'errors.ts', 'clock.ts'],
  http: [
    'inspect',
    'sources',
    'verify',
    'decode',
    'event',
    'outbox',
    'telemetry',
    'errors.ts',
    'clock.ts',
  ],
  sources: ['verify', 'decode', 'event', 'errors.ts', 'clock.ts'],
  verify: ['outbound', 'errors.ts', 'clock.ts'],
  decode: ['event', 'errors.ts'],
  outbox: ['event', 'errors.ts', 'clock.ts'],
  dispatch: ['outbox', 'sinks', 'event', 'errors.ts', 'clock.ts'],
  sinks: ['outbound', 'event', 'errors.ts', 'clock.ts'],
  // What vendors send is held against the sources, so it shares nothing with them but the event.
  emulate: ['event', 'errors.ts', 'clock.ts'],
  event: ['errors.ts'],
  outbound: [],
  config: ['errors.ts'],
  telemetry: ['errors.ts'],
  // Runs in a browser: of the program it knows what the admin API answers with.
  inspector: ['inspect'],
  'errors.ts': [],
  'clock.ts': [],
};

/** Where a room sees the other's interface only, never an implementation. */
const INTERFACES_ONLY: Readonly<Record<string, readonly string[]>> = {
  'dispatch → outbox': ['outbox/outbox.ts'],
  'dispatch → sinks': ['sinks/sink.ts'],
  'http → outbox': ['outbox/outbox.ts'],
  'admin → dispatch': ['dispatch/health.ts'],
  'admin → outbox': ['outbox/outbox.ts'],
  'inspect → outbox': ['outbox/outbox.ts'],
  'inspector → inspect': ['inspect/record.ts'],
};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) =>
  /\.(ts|js)$/.test(file),
);
const imports: Import[] = files.flatMap((from) => {
  const text = readFileSync(join(SRC, from), 'utf8');
  return [...text.matchAll(/^(?:import|export)\b[^;]*?from '(\.[^']+)';/gms)].map((match) => ({
    from,
    to: relative(SRC, join(SRC, dirname(from), String(match[1]))).replace(/\.js$/, '.ts'),
    text: match[0],
  }));
});
const room = (file: string): string => file.split('/')[0] ?? file;

describe('the rooms of src', () => {
  it('are all named here', () => {
    expect([...new Set(files.map(room))].sort()).toEqual(Object.keys(MAY_IMPORT).sort());
  });

  it('import only what lies below them', () => {
    const wrong = imports.filter(({ from, to, text }) => {
      // The resolved configuration is types only and everybody's.
      if (to === 'config/config.ts' && text.startsWith('import type')) return false;
      return room(from) !== room(to) && !MAY_IMPORT[room(from)]?.includes(room(to));
    });
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('see an interface where they must not see what implements it', () => {
    const wrong = imports.filter(({ from, to }) => {
      const allowed = INTERFACES_ONLY[`${room(from)} → ${room(to)}`];
      return allowed !== undefined && !allowed.includes(to);
    });
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('do not let sinks or verification schemes import each other', () => {
    const registered = imports.filter(({ from }) => /^(sinks|verify)\/registry\.ts$/.test(from));
    const siblings = new Set(
      registered.map(({ to }) => to).filter((to) => !/(sink|verifier)\.ts$/.test(to)),
    );
    const wrong = imports.filter(
      ({ from, to }) => siblings.has(from) && siblings.has(to) && room(from) === room(to),
    );
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });
});

describe('the sources', () => {
  const sources = files.map((file) => ({ file, text: readFileSync(join(SRC, file), 'utf8') }));
  const holding = (pattern: RegExp, except: readonly string[] = []): string[] =>
    sources
      .filter(({ file, text }) => pattern.test(text) && !except.includes(file))
      .map(({ file }) => file);

  it('read the environment in two places: the program and the library entry', () => {
    expect(holding(/process\.env/, ['cli.ts', 'trackbridge.ts'])).toEqual([]);
  });

  it('know Koa only in http and admin', () => {
    expect(
      holding(/from '(koa|@koa\/router|koa-body)'/).filter((file) => !/^(http|admin)\//.test(file)),
    ).toEqual(['trackbridge.ts']);
  });

  it('take the time from the clock', () => {
    expect(holding(/Date\.now\(|performance\.now\(/, ['clock.ts'])).toEqual([]);
  });

  it('hold no any, no unfinished business and no console', () => {
    expect(holding(/\bas any\s*[;,)]|<any>|TODO|FIXME|console\./)).toEqual([]);
  });

  it('stay small', () => {
    const long = sources.filter(({ text }) => text.split('\n').length > 400);
    expect(long.map(({ file }) => file)).toEqual([]);
  });
});
