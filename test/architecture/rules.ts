import { readSource, resolveImport, type Source } from './source.js';

/**
 * What each room may import besides itself. Imports only go down, so there is no circle between rooms. A room is a folder
 * of `src` or a file that stands alone there.
 */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'cli.ts': ['commands', 'core'],
  commands: [
    'service',
    'admin',
    'workbench',
    'parity',
    'sources',
    'verify',
    'decode',
    'outbox',
    'sinks',
    'event',
    'config',
    'telemetry',
    'core',
  ],
  'trackbridge.ts': ['service', 'config', 'telemetry'],
  service: [
    'admin',
    'ingest',
    'http',
    'parity',
    'sources',
    'decode',
    'dispatch',
    'outbox',
    'sinks',
    'event',
    'config',
    'telemetry',
    'core',
  ],
  admin: [
    'workbench',
    'parity',
    'ingest',
    'http',
    'verify',
    'dispatch',
    'outbox',
    'event',
    'telemetry',
    'core',
  ],
  workbench: ['verify', 'outbox', 'event', 'core'],
  ingest: ['http', 'sources', 'verify', 'decode', 'outbox', 'event', 'telemetry', 'core'],
  http: ['telemetry', 'core'],
  parity: ['outbox', 'event', 'core'],
  sources: ['verify', 'decode', 'event', 'core'],
  verify: ['core'],
  decode: ['event', 'core'],
  dispatch: ['outbox', 'sinks', 'event', 'core'],
  outbox: ['event', 'core'],
  sinks: ['event', 'core'],
  event: ['core'],
  config: ['core'],
  telemetry: ['core'],
  core: [],
};

/** Rooms that see only the interface of another, never an implementation. */
const INTERFACES_ONLY: Readonly<Record<string, readonly string[]>> = {
  'dispatch → outbox': ['outbox/feed.ts', 'outbox/statistics.ts'],
  'dispatch → sinks': ['sinks/sink.ts'],
  'ingest → outbox': ['outbox/intake.ts', 'outbox/feed.ts', 'outbox/entries.ts'],
  'ingest → telemetry': ['telemetry/log.ts', 'telemetry/rejection-log.ts'],
  'http → telemetry': ['telemetry/log.ts', 'telemetry/rejection-log.ts'],
  'admin → dispatch': ['dispatch/health.ts'],
  'admin → outbox': [
    'outbox/intake.ts',
    'outbox/entries.ts',
    'outbox/statistics.ts',
    'outbox/store.ts',
    'outbox/exchange.ts',
  ],
  'admin → parity': ['parity/report/report.ts', 'parity/parity.ts'],
  'commands → parity': ['parity/report/report.ts'],
  'parity → outbox': ['outbox/intake.ts'],
  'workbench → outbox': ['outbox/intake.ts', 'outbox/exchange.ts'],
};

/** Every room reads the resolved configuration, as types only. */
const CONFIGURATION = 'config/config.ts';

/**
 * Rooms whose folders are units: a unit imports files that stand in the room itself and the units named here, never its
 * siblings. `registry.ts` of a room is the table of its units and may import each.
 */
const UNITS: Readonly<Record<string, { readonly shared: readonly string[] }>> = {
  sinks: { shared: ['kit'] },
  outbox: { shared: ['replay'] },
};

/** Files that each are a unit: none imports another of the list that its registry names. */
const SIBLINGS: readonly string[] = ['verify/registry.ts'];

/** Modules that load what the user names: a transform, a sink of the user's own, drivers of the source tree. */
const COMPUTED: ReadonlySet<string> = new Set([
  'dispatch/transform/child.ts',
  'sinks/module/child.ts',
]);

const CLOCK = 'core/clock.ts';
const KOA: ReadonlySet<string> = new Set(['koa', '@koa/router', 'koa-body']);
const KOA_ROOMS: ReadonlySet<string> = new Set(['http', 'ingest', 'admin', 'service']);
const ENVIRONMENT: ReadonlySet<string> = new Set(['cli.ts', 'trackbridge.ts']);

export interface Exemptions {
  /** Modules that may use time and timers besides the clock. */
  readonly time: ReadonlySet<string>;
}

/** Every breach of the rules in these modules, one sentence each. `files` maps paths below `src` to their text. */
export function violations(files: ReadonlyMap<string, string>, exempt: Exemptions): string[] {
  const sources = new Map([...files].map(([path, text]) => [path, readSource(path, text)]));
  const found = [...sources].flatMap(([path, source]) => [
    ...unknownRoom(path),
    ...importsOf(path, source).flatMap(({ to, typeOnly }) => [
      ...upward(path, to, typeOnly),
      ...implementation(path, to),
      ...acrossUnits(path, to),
      ...betweenSiblings(path, to, sources),
    ]),
    ...outside(path, source, exempt),
  ]);
  return [...found, ...circles(sources)];
}

/** Modules that import each other, directly or over others, types included. */
function circles(sources: ReadonlyMap<string, Source>): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) found.push(`a circle: ${[...trail.slice(at), path].join(' → ')}`);
    if (at >= 0 || done.has(path)) return;
    const source = sources.get(path);
    for (const { to } of source === undefined ? [] : importsOf(path, source)) {
      visit(to, [...trail, path]);
    }
    done.add(path);
  };
  for (const path of sources.keys()) visit(path, []);
  return found;
}

function importsOf(
  path: string,
  { imports }: Source,
): readonly { readonly to: string; readonly typeOnly: boolean }[] {
  return imports.flatMap(({ specifier, typeOnly }) =>
    specifier?.startsWith('.') ? { to: resolveImport(path, specifier), typeOnly } : [],
  );
}

const roomOf = (path: string): string => path.split('/')[0] ?? path;

function unknownRoom(path: string): string[] {
  return roomOf(path) in MAY_IMPORT ? [] : [`${path} is in no room of test/architecture/rules.ts`];
}

function upward(path: string, to: string, typeOnly: boolean): string[] {
  const [from, room] = [roomOf(path), roomOf(to)];
  if (from === room || MAY_IMPORT[from]?.includes(room)) return [];
  if (to === CONFIGURATION && typeOnly) return [];
  return [`${path} imports ${to}: ${from} must not import ${room}`];
}

function implementation(path: string, to: string): string[] {
  const allowed = INTERFACES_ONLY[`${roomOf(path)} → ${roomOf(to)}`];
  if (allowed === undefined || allowed.includes(to)) return [];
  return [`${path} imports ${to}: ${roomOf(path)} sees only ${allowed.join(', ')}`];
}

function acrossUnits(path: string, to: string): string[] {
  const room = roomOf(path);
  const { shared } = UNITS[room] ?? {};
  if (shared === undefined || room !== roomOf(to)) return [];
  const [from, target] = [unitOf(path), unitOf(to)];
  if (target === undefined || from === target || shared.includes(target)) return [];
  if (path === `${room}/registry.ts`) return [];
  return [`${path} imports ${to}: ${from ?? room} must not import ${target}`];
}

/** The folder below a room that a module stands in. */
function unitOf(path: string): string | undefined {
  const parts = path.split('/');
  return parts.length > 2 ? parts[1] : undefined;
}

function betweenSiblings(path: string, to: string, sources: ReadonlyMap<string, Source>): string[] {
  for (const registry of SIBLINGS) {
    const source = sources.get(registry);
    if (source === undefined || path === registry) continue;
    const listed = new Set(
      importsOf(registry, source).flatMap((each) => (each.typeOnly ? [] : each.to)),
    );
    if (listed.has(path) && listed.has(to)) return [`${path} imports its sibling ${to}`];
  }
  return [];
}

function outside(path: string, source: Source, exempt: Exemptions): string[] {
  const found: string[] = [];
  if (path !== CLOCK && !exempt.time.has(path)) {
    for (const use of new Set(source.time)) {
      found.push(`${path} uses ${use}: time comes from ${CLOCK}`);
    }
  }
  if (source.readsEnvironment && !ENVIRONMENT.has(path)) {
    found.push(`${path} reads process.env: only ${[...ENVIRONMENT].join(' and ')} do`);
  }
  for (const { specifier } of source.imports) {
    if (specifier === undefined && !COMPUTED.has(path)) {
      found.push(`${path} imports a module whose name is computed`);
    }
    if (specifier !== undefined && KOA.has(specifier) && !KOA_ROOMS.has(roomOf(path))) {
      found.push(`${path} imports ${specifier}: only ${[...KOA_ROOMS].join(', ')} know Koa`);
    }
  }
  return found;
}
