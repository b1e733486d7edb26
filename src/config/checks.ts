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
  if (admin.token === undefined && !isLoopback(admin.host)) {
    problems.add(
      '/admin/token',
      'is missing, and other machines can reach this host; set one, or listen on 127.0.0.1',
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
  const seen: { readonly name: string; readonly source: SourceConfig }[] = [];
  for (const [name, source] of Object.entries(sources)) {
    const pointer = child(child('/sources', name), 'path');
    if (source.path.split('/').some((part) => part === '.' || part === '..')) {
      problems.add(pointer, 'must not hold . or .. as a step');
    }
    if (HEALTH_PATHS.includes(source.path)) {
      problems.add(pointer, `is ${source.path}, which answers health probes; choose another`);
    }
    for (const other of seen) {
      if (other.source.path === source.path) {
        problems.add(pointer, `is ${source.path}, which is that of source ${other.name} as well`);
      } else if (owns(other.source, source.path)) {
        problems.add(
          pointer,
          `is below ${other.source.path}, all of which is source ${other.name}'s`,
        );
      } else if (owns(source, other.source.path)) {
        problems.add(
          pointer,
          `has ${other.source.path} of source ${other.name} below it, but owns all that is there`,
        );
      }
    }
    seen.push({ name, source });
  }
}

/** RudderStack appends paths of its own to the URL, so its sources own everything below theirs. */
function owns(source: SourceConfig, path: string): boolean {
  if (source.type !== 'rudderstack') return false;
  return path.startsWith(source.path === '/' ? '/' : `${source.path}/`);
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
  const names = Object.keys(sources);
  const types = [...EVENT_TYPES, ...Object.values(sources).flatMap((source) => source.extraTypes)];
  for (const [at, name] of (sink.where.sources ?? []).entries()) {
    if (names.includes(name)) continue;
    problems.add(`${pointer}/where/sources/${at}`, `names no source${suggestion(name, names)}`);
  }
  for (const [at, type] of (sink.where.types ?? []).entries()) {
    checkType(type, types, `${pointer}/where/types/${at}`, context);
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
