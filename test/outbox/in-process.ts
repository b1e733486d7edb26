import { copyFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../src/core/clock.js';
import { fromFailure, toFailure } from '../../src/outbox/sqlite/health/failure.js';
import { type SqliteOptions, SqliteOutbox } from '../../src/outbox/sqlite/outbox.js';
import type { Store, StoreTuning } from '../../src/outbox/sqlite/store/store.js';
import { StoreService } from '../../src/outbox/sqlite/thread/service.js';
import type { StoreThread } from '../../src/outbox/sqlite/thread/thread.js';

export interface InProcess {
  readonly outbox: SqliteOutbox;
  /** The open store itself, to look behind it. */
  readonly store: () => Store;
  /** Requests made to it so far, by kind. */
  readonly asked: (kind: string) => number;
  /** What it logged as an error. */
  readonly errors: readonly string[];
}

/**
 * An outbox whose store runs in this thread instead of its own: quick to start, and open to a look inside. The file of
 * one that was closed stays locked for this process (the binding lets go of it only with its thread), so what comes
 * after a crash or a close opens a copy.
 */
export function inProcess(
  options: SqliteOptions,
  clock: Clock,
  tuning: StoreTuning = {},
): InProcess {
  const service = new StoreService(() => undefined, tuning);
  const counts = new Map<string, number>();
  let alive = true;
  const thread: StoreThread = {
    get alive() {
      return alive;
    },
    call: async (kind, request) => {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      const message = structuredClone(request);
      await new Promise((resolve) => setImmediate(resolve));
      try {
        return structuredClone(service.handlers[kind](message));
      } catch (error) {
        throw fromFailure(toFailure(error));
      }
    },
    end: async () => {
      alive = false;
    },
  };
  const errors: string[] = [];
  const log = {
    warn: () => undefined,
    error: (_: object, message: string) => void errors.push(message),
  };
  return {
    outbox: new SqliteOutbox(options, { clock, log, startThread: () => thread }),
    store: () => service.store,
    asked: (kind) => counts.get(kind) ?? 0,
    errors,
  };
}

/** What a crash right now would leave of the store at `path`, in `place`. */
export async function crashed(path: string, place: string): Promise<string> {
  const copy = join(place, 'outbox.db');
  await copyFile(path, copy);
  const log = await stat(`${path}-wal`).catch(() => undefined);
  if (log !== undefined) await copyFile(`${path}-wal`, `${copy}-wal`);
  return copy;
}
