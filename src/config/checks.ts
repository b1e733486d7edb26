import { resolve } from 'node:path';
import type { Config, SinkConfig, SourceConfig } from './config.js';
import { type Context, warn } from './context.js';
import { suggestion } from './nearest.js';
import { child, quoted } from './pointer.js';

/** The event types of contract section 5. */
const EVENT_TYPES = ['identify', 'track', 'page', 'screen', 'group', 'alias', 'delete', 'record'];

/** Paths that answer health probes on every listener. */
const HEALTH_PATHS = ['/livez', '/readyz'];

/** What no single section shows: how its parts go together. Adds to the context's problems and warnings. */
export function crossCheck(config: Config, context: Context): void {
  checkAdmin(config, context);
  checkPaths(config, context);
  for (const [name, source] of Object.entries(config.sources)) {
    checkSource(source, child('/sources', name), context);
  }
  for (const [name, sink] of Object.entries(config.sinks)) {
    checkSink(sink, child('/sinks', name), config, context);
  }
  checkFiles(config, context);
}

function checkAdmin({ server, admin }: Config, { problems }: Context): void {
  if (!admin) return;
  if (admin.token === undefined && admin.jwt === undefined && !isLoopback(admin.host)) {
    problems.add(
      '/admin/token',
      'is missing, and other machines can reach this host; set it or admin.jwt, or listen on 127.0.0.1',
      'missing',
    );
  }
  if (admin.port !== 0 && admin.port === server.port && meet(admin.host, server.host)) {
    problems.add('/admin/port', `is that of server.port as well (${server.port}); give it another`);
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Whether two listeners of one port get into each other's way. */
function meet(a: string, b: string): boolean {
  const everywhere = (host: string): boolean => host === '0.0.0.0' || host === '::';
  if (a === b || everywhere(a) || everywhere(b)) return true;
  return (a === 'localhost' && isLoopback(b)) || (b === 'localhost' && isLoopback(a));
}

function checkPaths({ sources }: Config, { problems }: Context): void {
  const seen: { name: string; source: SourceConfig; place: string }[] = [];
  for (const [name, source] of Object.entries(sources)) {
    const pointer = child(child('/sources', name), 'path');
    if (source.path.split('/').some((part) => part === '.' || part === '..')) {
      problems.add(pointer, 'must not hold . or .. as a step');
    }
    if (HEALTH_PATHS.includes(source.path)) {
      problems.add(pointer, `is ${source.path}, which answers health probes; choose another`);
    }
    const place = placeOf(source);
    for (const other of seen) {
      if (other.place === place) {
        problems.add(pointer, `is ${place}, which is that of source ${other.name} as well`);
      } else if (owns(other.source, place)) {
        problems.add(
          pointer,
          `is below ${other.source.path}, all of which is source ${other.name}'s`,
        );
      } else if (owns(source, other.place)) {
        problems.add(
          pointer,
          `has ${other.place} of source ${other.name} below it, but owns all that is there`,
        );
      }
    }
    seen.push({ name, source, place });
  }
}

/** The one path that a webhook source takes is not its own but below it, where a tracking API leaves room for it. */
function placeOf({ type, path }: SourceConfig): string {
  return type === 'webhook-source' ? `${path === '/' ? '' : path}/v1/webhook` : path;
}

/** RudderStack appends paths of its own to the URL, so its sources own everything below theirs. */
function owns(source: SourceConfig, path: string): boolean {
  const below = ['', ...path.slice(source.path === '/' ? 1 : source.path.length + 1).split('/')];
  const isBelow = path.startsWith(source.path === '/' ? '/' : `${source.path}/`);
  if (!isBelow) return false;
  switch (source.type) {
    case 'segment':
    case 'webhook-source':
      return false;
    case 'rudderstack':
      return true;
    case 'tracking-api':
      return takesBelow(source, below) && !isWebhook(below);
  }
}

function takesBelow({ oauth }: SourceConfig, [, root = '', ...more]: readonly string[]): boolean {
  const isToken = oauth !== undefined && root === 'token' && more.length === 0;
  return isToken || TRACKING_ROOTS.has(root);
}

/** First steps of the paths that a tracking API has below its own. */
const TRACKING_ROOTS: ReadonlySet<string> = new Set([
  ...['v1', 'pixel', 'beacon', 'health', 'version', 'robots.txt', 'sourceConfig'],
]);

function isWebhook([, version, name, ...more]: readonly string[]): boolean {
  return version === 'v1' && name === 'webhook' && more.length === 0;
}

function checkSource(source: SourceConfig, pointer: string, context: Context): void {
  const types = [...EVENT_TYPES, ...source.extraTypes];
  if (source.untyped) checkType(source.untyped.as, types, `${pointer}/untyped/as`, context);
  checkType(source.query.type, types, `${pointer}/query/type`, context);
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
      'lists none beside another scheme, where it changes nothing',
    );
  }
}

function checkType(
  type: string,
  known: readonly string[],
  pointer: string,
  { problems, references }: Context,
): void {
  if (known.includes(type)) return;
  const message = references.all.has(pointer)
    ? `must be one of ${known.join(', ')}`
    : `does not know the event type ${quoted(type)}${suggestion(type, known)}`;
  problems.add(pointer, message);
}

function checkSink(sink: SinkConfig, pointer: string, { sources }: Config, context: Context): void {
  const { problems } = context;
  const names = [
    ...new Set([
      ...Object.keys(sources),
      ...Object.values(sources).flatMap(({ writeKeys = [] }) =>
        writeKeys.flatMap((each) => each.source ?? []),
      ),
    ]),
  ];
  const types = [...EVENT_TYPES, ...Object.values(sources).flatMap((source) => source.extraTypes)];
  for (const [at, name] of (sink.where.sources ?? []).entries()) {
    if (names.includes(name)) continue;
    problems.add(`${pointer}/where/sources/${at}`, `names no source${suggestion(name, names)}`);
  }
  for (const [at, type] of (sink.where.types ?? []).entries()) {
    checkType(type, types, `${pointer}/where/types/${at}`, context);
  }
  const { percent, percentFrom, by } = sink.where;
  if (by !== undefined && percent === undefined && percentFrom === undefined) {
    problems.add(`${pointer}/where/by`, 'needs a percent beside it');
  }
  if ((percentFrom ?? 0) > (percent ?? 100)) {
    problems.add(`${pointer}/where/percentFrom`, 'is more than percent: nobody is between them');
  }
  if (sink.retry.initial > sink.retry.max) {
    problems.add(`${pointer}/retry/initial`, 'is longer than retry.max');
  }
}

/** Two writers of one file would tear each other's lines. */
function checkFiles({ outbox, sinks }: Config, { problems }: Context): void {
  const owners = new Map<string, string>();
  if (outbox.type === 'sqlite') owners.set(resolve(outbox.path), 'the outbox');
  for (const [name, { type, options }] of Object.entries(sinks)) {
    const { path } = options;
    if (type !== 'file' || typeof path !== 'string') continue;
    const owner = owners.get(resolve(path));
    if (owner)
      problems.add(
        `${child('/sinks', name)}/path`,
        `is the file of ${owner} as well; give it another`,
      );
    owners.set(resolve(path), `sink ${name}`);
  }
}
