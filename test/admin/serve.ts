import { type AdminDeps, createAdminApp } from '../../src/admin/app.js';
import { MemoryOutbox } from '../../src/outbox/memory/outbox.js';
import type { SinkSettings } from '../../src/outbox/store.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { RejectionLog } from '../../src/telemetry/rejection-log.js';
import { FakeClock } from '../dispatch/fake-clock.js';
import { readableLog } from '../ingest/harness.js';
import { listen } from './listen.js';

/** What the admin listener shows: an outbox in memory on a clock that a test advances. */
export interface AdminRoom {
  readonly clock: FakeClock;
  readonly outbox: MemoryOutbox;
}

/** Serves the admin API over an outbox in memory with these sinks. Call `close` of `listen.js` after. */
export async function serveAdmin(
  sinks: readonly SinkSettings[],
  changes: Partial<AdminDeps> | ((room: AdminRoom) => Partial<AdminDeps>) = {},
) {
  const clock = new FakeClock();
  const { log, lines } = readableLog('info');
  const outbox = new MemoryOutbox({ dedupeWindow: 1000, maxPending: 100 }, { clock, log });
  await outbox.open(sinks);
  const app = createAdminApp({
    credentials: {},
    outbox,
    metrics: createMetrics(),
    clock,
    rejections: new RejectionLog(clock, log),
    uuid: () => 'the-id',
    isDraining: () => false,
    sourceStates: () => [],
    sinkStates: () => new Map(),
    setPaused: async () => undefined,
    reload: async () => {
      throw new Error('nothing to reload');
    },
    outboxBytes: () => 4_096,
    replayQuarantined: async () => undefined,
    ...(typeof changes === 'function' ? changes({ clock, outbox }) : changes),
  });
  const url = await listen(app);
  const ask = (path: string, init: RequestInit = {}): Promise<Response> => fetch(url + path, init);
  const post = (
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> =>
    ask(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  return { clock, outbox, lines, url, ask, post };
}
