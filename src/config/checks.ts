import { resolve } from 'node:path';
import { parseNetwork } from '../core/networks.js';
import type {
  Config,
  PostgresOutboxConfig,
  SinkConfig,
  SourceConfig,
  TrackingApiSourceConfig,
} from './config.js';
import { type Context, warn } from './context.js';
import { suggestion } from './problems/nearest.js';
import { child, quoted } from './problems/pointer.js';
import { POINT_IN_TIME, parsePointInTime } from './schema/point-in-time.js';

/** The event types of the canonical event. */
const EVENT_TYPES = ['identify', 'track', 'page', 'screen', 'group', 'alias', 'delete', 'record'];

/** Paths that answer health probes on every listener. */
const HEALTH_PATHS = ['/livez', '/readyz'];

/** What the checks need of the context. */
export type CheckContext = Pick<Context, 'problems' | 'references' | 'warnings'>;

/** Checks how the sections fit together. Adds to the context's problems and warnings. */
export function crossCheck(config: Config, context: CheckContext): void {
  checkTrustProxy(config, context);
  checkSockets(config, context);
  checkAdmin(config, context);
  checkPaths(config, context);
  for (const [name, source] of Object.entries(config.sources)) {
    checkSource(source, child('/sources', name), context);
  }
  for (const [name, sink] of Object.entries(config.sinks)) {
    checkSink(sink, child('/sinks', name), config, context);
  }
  checkParity(config, context);
  checkFiles(config, context);
  if (config.outbox.type === 'postgres') checkShared(config, config.outbox, context);
}

function checkTrustProxy({ server }: Config, { problems }: CheckContext): void {
  if (!Array.isArray(server.trustProxy)) return;
  for (const [at, text] of server.trustProxy.entries()) {
    if (parseNetwork(text) !== undefined) continue;
    problems.add(
      `/server/trustProxy/${at}`,
      'must be an address or a network, such as 10.0.0.1, 10.0.0.0/8 or fd00::/8',
    );
  }
}

function checkSockets({ admin, server }: Config, { problems }: CheckContext): void {
  for (const [name, listener] of Object.entries({ server, admin })) {
    if (listener?.socket === undefined || listener.tls === undefined) continue;
    problems.add(`/${name}/tls`, 'conflicts with socket, which no network carries; remove one');
  }
  if (server.socket === undefined) return;
  if (server.workers > 1) {
    problems.add('/server/workers', 'must be 1 with server.socket; set host and port for workers');
  }
  if (admin?.socket !== undefined && resolve(admin.socket) === resolve(server.socket)) {
    problems.add('/admin/socket', 'is also server.socket; choose another path');
  }
}

function checkAdmin({ server, admin }: Config, { problems }: CheckContext): void {
  if (!admin) return;
  const isOpen = admin.token === undefined && admin.jwt === undefined;
  if (isOpen && admin.url !== undefined) {
    problems.add(
      '/admin/token',
      'is required, because whoever reaches the proxy of admin.url reaches this listener; set it or admin.jwt',
      'missing',
    );
  } else if (isOpen && admin.socket === undefined && !isLoopback(admin.host)) {
    problems.add(
      '/admin/token',
      'is required, because other machines can reach admin.host; set it or admin.jwt, or listen on 127.0.0.1',
      'missing',
    );
  }
  if (admin.socket !== undefined || server.socket !== undefined) return;
  if (admin.port !== 0 && admin.port === server.port && meet(admin.host, server.host)) {
    problems.add('/admin/port', `conflicts with server.port (${server.port}); choose another port`);
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Returns whether two listeners on the same port conflict. */
function meet(a: string, b: string): boolean {
  const everywhere = (host: string): boolean => host === '0.0.0.0' || host === '::';
  if (a === b || everywhere(a) || everywhere(b)) return true;
  return (a === 'localhost' && isLoopback(b)) || (b === 'localhost' && isLoopback(a));
}

function checkPaths({ sources }: Config, { problems }: CheckContext): void {
  const seen: { name: string; source: SourceConfig; receives: string }[] = [];
  for (const [name, source] of Object.entries(sources)) {
    const pointer = child(child('/sources', name), 'path');
    if (source.path.split('/').some((part) => part === '.' || part === '..')) {
      problems.add(pointer, 'must not contain . or .. as a segment');
    }
    if (HEALTH_PATHS.includes(source.path)) {
      problems.add(pointer, `is ${source.path}, which answers health probes; choose another`);
    }
    const receives = receivingPath(source);
    for (const other of seen) {
      if (other.receives === receives) {
        problems.add(
          pointer,
          `conflicts with source ${other.name}, which also receives on ${receives}`,
        );
      } else if (owns(other.source, receives)) {
        problems.add(
          pointer,
          `conflicts with source ${other.name} on ${other.source.path}, which also receives on ${receives}`,
        );
      } else if (owns(source, other.receives)) {
        problems.add(
          pointer,
          `conflicts with source ${other.name} on ${other.receives}, where this source receives too`,
        );
      }
    }
    seen.push({ name, source, receives });
  }
}

/**
 * Returns the path on which a source receives deliveries. A `webhook-source` receives on one path below its own. No
 * tracking API uses that path, so both types can share a `path`.
 */
function receivingPath({ type, path }: SourceConfig): string {
  return type === 'webhook-source' ? `${path === '/' ? '' : path}/v1/webhook` : path;
}

/**
 * Returns whether a source owns a path. RudderStack appends paths to the URL, so its sources own every path below
 * theirs.
 */
function owns(source: SourceConfig, path: string): boolean {
  const subpath = ['', ...path.slice(source.path === '/' ? 1 : source.path.length + 1).split('/')];
  const isBelow = path.startsWith(source.path === '/' ? '/' : `${source.path}/`);
  if (!isBelow) return false;
  switch (source.type) {
    case 'segment':
    case 'webhook-source':
      return false;
    case 'rudderstack':
      return true;
    case 'tracking-api':
      return ownsSubpath(source, subpath) && !isWebhook(subpath);
  }
}

function ownsSubpath(
  { oauth }: TrackingApiSourceConfig,
  [, root = '', ...more]: readonly string[],
): boolean {
  const isToken = oauth !== undefined && root === 'token' && more.length === 0;
  return isToken || TRACKING_ROOTS.has(root);
}

/** First segments of the paths that a tracking API has below its own. */
const TRACKING_ROOTS: ReadonlySet<string> = new Set([
  ...['v1', 'pixel', 'beacon', 'health', 'version', 'robots.txt', 'sourceConfig'],
]);

function isWebhook([, version, name, ...more]: readonly string[]): boolean {
  return version === 'v1' && name === 'webhook' && more.length === 0;
}

function checkSource(source: SourceConfig, pointer: string, context: CheckContext): void {
  const types = [...EVENT_TYPES, ...source.extraTypes];
  if ('untyped' in source && source.untyped !== undefined) {
    checkType(source.untyped.as, types, `${pointer}/untyped/as`, context);
  }
  if (source.type === 'rudderstack') {
    checkType(source.query.type, types, `${pointer}/query/type`, context);
  }
  for (const [at, origin] of (source.cors?.origins ?? []).entries()) {
    const good = origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin);
    if (good) continue;
    context.problems.add(
      `${pointer}/cors/origins/${at}`,
      'must be * or an origin such as https://example.com, without a path',
    );
  }
  if (source.verify.length > 1 && source.verify.some(({ scheme }) => scheme === 'none')) {
    warn(
      context,
      `${pointer}/verify`,
      'contains none together with another scheme; none has no effect there',
    );
  }
}

function checkType(
  type: string,
  known: readonly string[],
  pointer: string,
  { problems, references }: CheckContext,
): void {
  if (known.includes(type)) return;
  const message = references.all.has(pointer)
    ? `must be one of ${known.join(', ')}`
    : `has the unknown event type ${quoted(type)}${suggestion(type, known)}`;
  problems.add(pointer, message);
}

/** The schema checks the form of `start`, but not whether the calendar has the day. */
function checkStart({ start }: SinkConfig, pointer: string, { problems }: CheckContext): void {
  if (start === undefined || start === 'next' || start === 'retained') return;
  if (parsePointInTime(start, 0) !== undefined) return;
  problems.add(`${pointer}/start`, `must be next, retained, ${POINT_IN_TIME}`);
}

/** Returns the names that events can have as their source: those of the sources, and those that write keys name. */
function sourceNames({ sources }: Config): readonly string[] {
  const named = Object.values(sources).flatMap((source) =>
    'writeKeys' in source ? source.writeKeys.flatMap((each) => each.source ?? []) : [],
  );
  return [...new Set([...Object.keys(sources), ...named])];
}

function checkSink(sink: SinkConfig, pointer: string, config: Config, context: CheckContext): void {
  const { sources } = config;
  const { problems } = context;
  checkStart(sink, pointer, context);
  const names = sourceNames(config);
  const types = [...EVENT_TYPES, ...Object.values(sources).flatMap((source) => source.extraTypes)];
  for (const [at, name] of (sink.where.sources ?? []).entries()) {
    if (names.includes(name)) continue;
    problems.add(`${pointer}/where/sources/${at}`, `is not a source${suggestion(name, names)}`);
  }
  for (const [at, type] of (sink.where.types ?? []).entries()) {
    checkType(type, types, `${pointer}/where/types/${at}`, context);
  }
  const { percent, percentFrom, by } = sink.where;
  if (by !== undefined && percent === undefined && percentFrom === undefined) {
    problems.add(`${pointer}/where/by`, 'requires percent');
  }
  if ((percentFrom ?? 0) > (percent ?? 100)) {
    problems.add(`${pointer}/where/percentFrom`, 'is greater than percent, so no user is included');
  }
  if (sink.retry.initial > sink.retry.max) {
    problems.add(`${pointer}/retry/initial`, 'is longer than retry.max');
  }
}

/** Checks that both sides of a comparison are sources of this receiver, which has all their events. */
function checkParity(config: Config, { problems }: CheckContext): void {
  const names = sourceNames(config);
  for (const [name, { final, left, right, settle }] of Object.entries(config.parity ?? {})) {
    const pointer = child('/parity', name);
    if (config.outbox.type === 'postgres') {
      problems.add(
        pointer,
        'is not supported with outbox.type postgres yet, because no member receives all events; compare in a receiver of its own with outbox.type sqlite',
      );
    }
    for (const [side, source] of Object.entries({ left, right })) {
      if (names.includes(source)) continue;
      problems.add(`${pointer}/${side}`, `is not a source${suggestion(source, names)}`);
    }
    if (left === right) problems.add(`${pointer}/right`, 'is the source of left, too');
    if (final < settle) problems.add(`${pointer}/final`, 'is shorter than settle');
  }
}

/** The part of the lease that an attempt may take: it must end before others take over. */
const ATTEMPT_PART = 0.8;

/** Checks what several members need to work on the same sinks. */
function checkShared(
  { sinks }: Config,
  outbox: PostgresOutboxConfig,
  { problems }: CheckContext,
): void {
  const longest = outbox.lease * ATTEMPT_PART;
  for (const [name, { options, timeout, type }] of Object.entries(sinks)) {
    const pointer = child('/sinks', name);
    if (timeout > longest) {
      problems.add(
        `${pointer}/timeout`,
        `is ${timeout} ms, longer than 0.8 of outbox.lease (${longest} ms); shorten it, or raise outbox.lease`,
      );
    }
    if (type === 'file' && !String(options['path']).includes('{member}')) {
      problems.add(
        `${pointer}/path`,
        'must contain {member}, because each member that shares the store writes its own file',
      );
    }
  }
}

/** Rejects two writers of one file: they would corrupt each other's lines. */
function checkFiles({ outbox, sinks }: Config, { problems }: CheckContext): void {
  const owners = new Map<string, string>();
  if (outbox.type === 'sqlite') owners.set(resolve(outbox.path), 'the outbox');
  for (const [name, { type, options }] of Object.entries(sinks)) {
    const { path } = options;
    if (type !== 'file' || typeof path !== 'string') continue;
    const owner = owners.get(resolve(path));
    if (owner)
      problems.add(
        `${child('/sinks', name)}/path`,
        `is also the file of ${owner}; choose another file`,
      );
    owners.set(resolve(path), `sink ${name}`);
  }
}
