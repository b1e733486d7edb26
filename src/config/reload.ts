import { isDeepStrictEqual } from 'node:util';
import { TrackbridgeError } from '../core/errors.js';
import { crossCheck } from './checks.js';
import type { Config, ServerConfig } from './config.js';
import { deepFreeze } from './freeze.js';
import { Problems } from './problems/problems.js';
import { conceal } from './secrets/conceal.js';

/** What a running receiver makes of another configuration. */
export interface NextConfig {
  /** The configuration that holds from now on: the other one, except for settings that need a restart. */
  readonly config: Config;
  /** The settings of `server` that have changed, such as `server.budget`, and certificates: `server.tls`, `admin.tls`. */
  readonly server: readonly string[];
  /** The settings that have changed and keep their old value until a restart, such as `server.port`. */
  readonly restart: readonly string[];
}

/** What a reload has changed. */
export interface ReloadReport {
  readonly sources: Changes;
  readonly sinks: Changes;
  /** See `NextConfig`. */
  readonly server: readonly string[];
  readonly restart: readonly string[];
  /** Sinks that still finish attempts under the earlier configuration. */
  readonly finishing: readonly string[];
  readonly warnings: readonly string[];
}

/** Names of what has been added, removed and changed. */
export interface Changes {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** Compares two mappings by name. */
export function changesBetween(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Changes {
  const names = Object.keys(after);
  return {
    added: names.filter((name) => !Object.hasOwn(before, name)),
    removed: Object.keys(before).filter((name) => !Object.hasOwn(after, name)),
    changed: names.filter(
      (name) => Object.hasOwn(before, name) && !isDeepStrictEqual(before[name], after[name]),
    ),
  };
}

/** Returns a sentence for people about what a reload has changed. */
export function describeReload(report: ReloadReport): string {
  const parts = [
    ...describeChanges('source', report.sources),
    ...describeChanges('sink', report.sinks),
    ...report.server.map((name) => `${name} changed`),
  ];
  const { finishing, restart } = report;
  return [
    `reloaded: ${parts.length === 0 ? 'nothing has changed' : parts.join(', ')}`,
    ...(restart.length === 0 ? [] : [`restart the receiver to apply ${restart.join(', ')}`]),
    ...(finishing.length === 0 ? [] : [`still finishing attempts: ${finishing.join(', ')}`]),
  ].join('; ');
}

function describeChanges(what: string, { added, changed, removed }: Changes): string[] {
  return [
    ...added.map((name) => `${what} ${name} added`),
    ...removed.map((name) => `${what} ${name} removed`),
    ...changed.map((name) => `${what} ${name} changed`),
  ];
}

/** Options of `server` that cannot change while a receiver runs. */
const FIXED = [
  'host',
  'port',
  'socket',
  'workers',
] as const satisfies readonly (keyof ServerConfig)[];

/** Sections whose changes are applied. A change of any other section needs a restart. */
const APPLIED: readonly string[] = ['server', 'sources', 'sinks'];

/**
 * Returns what holds after `next` is applied to a receiver that runs with `current`. Throws CONFIG_INVALID if what stays
 * until a restart does not fit with what changes.
 */
export function nextConfig(current: Config, next: Config): NextConfig {
  const fixed = [...FIXED, ...(keepsTls(current, next) ? [] : (['tls'] as const))].filter(
    (name) => !isDeepStrictEqual(current.server[name], next.server[name]),
  );
  const server = withOptions(next.server, current.server, fixed);
  const names = new Set([...Object.keys(current), ...Object.keys(next)]);
  const sections = [...names].filter((name) => !APPLIED.includes(name));
  const restart = [
    ...fixed.map((name) => `server.${name}`),
    ...sections.flatMap((name) => changesOf(name, sectionOf(current, name), sectionOf(next, name))),
  ];
  const config: Config = { ...current, server, sources: next.sources, sinks: next.sinks };
  if (restart.length > 0) mustFit(config, restart);
  return {
    config: deepFreeze(conceal(config)),
    server: changesOf('server', current.server, config.server),
    restart,
  };
}

/** Whether both have `server.tls` or neither. Its files may change, but a listener has TLS or not until a restart. */
function keepsTls(current: Config, next: Config): boolean {
  return (current.server.tls === undefined) === (next.server.tls === undefined);
}

/** Returns `server` with the options `names` as they are in `from`, which may lack them. */
function withOptions(
  server: ServerConfig,
  from: ServerConfig,
  names: readonly (keyof ServerConfig)[],
): ServerConfig {
  const own = Object.entries(server).filter(([key]) => !names.some((name) => name === key));
  const kept = names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]]));
  return Object.fromEntries([...own, ...kept]) as unknown as ServerConfig;
}

function sectionOf(config: Config, name: string): unknown {
  return Object.entries(config).find(([each]) => each === name)?.[1];
}

/** Returns the members of a section that differ, as `section.member`; the section itself if it comes or goes. */
function changesOf(section: string, before: unknown, after: unknown): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isMapping(before) || !isMapping(after)) return [section];
  const [first, second] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  const members = new Set([...first.keys(), ...second.keys()]);
  return [...members]
    .filter((name) => !isDeepStrictEqual(first.get(name), second.get(name)))
    .map((name) => `${section}.${name}`);
}

function isMapping(section: unknown): section is object {
  return typeof section === 'object' && section !== null;
}

function mustFit(config: Config, restart: readonly string[]): void {
  const problems = new Problems({});
  const references = { whole: new Map<string, string>(), all: new Set<string>() };
  crossCheck(config, { problems, references, warnings: [] });
  try {
    problems.throwIfAny();
  } catch (error) {
    if (!(error instanceof TrackbridgeError)) throw error;
    const message = `${error.message}; restart the receiver to apply ${restart.join(', ')}`;
    const errors = (error.errors ?? []).map(({ path, message: text }) => ({
      path,
      message: `${text}; restart the receiver to apply ${restart.join(', ')}`,
    }));
    throw new TrackbridgeError('CONFIG_INVALID', message, { errors });
  }
}
