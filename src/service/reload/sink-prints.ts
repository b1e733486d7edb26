import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { SinkConfig } from '../../config/config.js';

/** What a sink runs on: another print needs another runner. */
interface SinkPrint {
  readonly config: Omit<SinkConfig, 'full' | 'maxPending'>;
  /** Hashes of the files with the operator's code, which may change although their paths do not. */
  readonly code: readonly string[];
}

export type SinkPrints = Readonly<Record<string, SinkPrint>>;

/** Returns the prints of these sinks. The limits of a backlog are the outbox's business, so they are left out. */
export function sinkPrints(sinks: Readonly<Record<string, SinkConfig>>): SinkPrints {
  return Object.fromEntries(
    Object.entries(sinks).map(([name, sink]) => {
      const { full: _full, maxPending: _maxPending, ...config } = sink;
      const { path } = sink.options;
      const files = [sink.transform, sink.type === 'module' ? path : undefined];
      const code = files.flatMap((file) => (typeof file === 'string' ? [hashOf(file)] : []));
      return [name, { config, code }];
    }),
  );
}

/** Returns the names of the sinks that need another runner, because they are new or their print differs. */
export function sinksToRun(before: SinkPrints, after: SinkPrints): readonly string[] {
  return Object.keys(after).filter((name) => !isDeepStrictEqual(before[name], after[name]));
}

/** A file that cannot be read has no hash. Loading it fails, and says why. */
function hashOf(file: string): string {
  try {
    return hash('sha256', readFileSync(resolve(file)), 'hex');
  } catch {
    return '';
  }
}
