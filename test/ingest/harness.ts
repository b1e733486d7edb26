import { Writable } from 'node:stream';
import type { SourceConfig } from '../../src/config/config.js';
import { createCanonicalizer } from '../../src/event/canonicalizer.js';
import { Deadlines } from '../../src/http/deadline.js';
import { FirstBytes } from '../../src/http/first-byte.js';
import { createForwarded } from '../../src/http/forwarded.js';
import { Stalls } from '../../src/http/stalls.js';
import { Admission } from '../../src/ingest/admission.js';
import { AuthenticationWatch } from '../../src/ingest/authentication-watch.js';
import type { Check } from '../../src/ingest/checks/check.js';
import { createChecks } from '../../src/ingest/checks/checks.js';
import type { AppDeps } from '../../src/ingest/routes.js';
import { Pace, Turns } from '../../src/ingest/turns.js';
import { type OnUnreadable, watchUnreadable } from '../../src/ingest/unreadable-timestamps.js';
import type { Appended, NewDelivery } from '../../src/outbox/intake.js';
import { createSource } from '../../src/sources/registry.js';
import type { Source } from '../../src/sources/source.js';
import { countObservations } from '../../src/telemetry/count.js';
import { createLog, type Log } from '../../src/telemetry/log.js';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.js';
import { RejectionLog } from '../../src/telemetry/rejection-log.js';
import { FakeClock } from '../dispatch/fake-clock.js';
import { sourceConfig } from '../sources/support.js';
import { observed } from '../support/observations.js';

const canonicalize = createCanonicalizer();

/** What the checks of a test need, events that were sent on by `this-bridge` being its own. */
export function checksOf(
  uuid: () => string,
  onUnreadable: OnUnreadable = () => undefined,
): readonly Check[] {
  return createChecks({ canonicalize, uuid, bridgeId: () => 'this-bridge', onUnreadable });
}

/** An outbox that takes everything, until a test gives it another `append`. */
class FakeStore {
  readonly deliveries: NewDelivery[] = [];
  onAppend: (signal: AbortSignal | undefined) => Promise<void> = async () => undefined;
  onDelivery: (delivery: NewDelivery) => void = () => undefined;
  onProbe: () => Promise<void> = async () => undefined;
  outcomes: ((delivery: NewDelivery) => readonly Appended[]) | undefined;

  async append(delivery: NewDelivery, signal?: AbortSignal): Promise<readonly Appended[]> {
    await this.onAppend(signal);
    this.onDelivery(delivery);
    this.deliveries.push(delivery);
    if (this.outcomes !== undefined) return this.outcomes(delivery);
    return delivery.events.map((_event, index) => ({ outcome: 'accepted', id: `id-${index}` }));
  }

  settled: (ids: readonly string[], signal: AbortSignal) => Promise<void> = async () => undefined;

  async probe(): Promise<void> {
    await this.onProbe();
  }

  get events(): Record<string, unknown>[] {
    return this.deliveries.flatMap(({ events }) => events.map(({ json }) => JSON.parse(json)));
  }

  get quarantined() {
    return this.deliveries.flatMap(({ quarantined }) => quarantined);
  }
}

/** A log whose lines a test can read. */
export function readableLog(level = 'debug'): { log: Log; lines(): Record<string, unknown>[] } {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const lines = () =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { log: createLog(level, stream), lines };
}

export interface Harness {
  readonly deps: AppDeps;
  readonly metrics: Metrics;
  readonly store: FakeStore;
  readonly clock: FakeClock;
  readonly state: { draining: boolean };
  lines(): Record<string, unknown>[];
}

/** Everything the ingest application needs, with a store, a clock and a log that a test looks into. */
export function harness(changes: Partial<AppDeps> = {}): Harness {
  const clock = new FakeClock();
  const store = new FakeStore();
  const state = { draining: false };
  const { log, lines } = readableLog();
  let ids = 0;
  const uuid = (): string => `00000000-0000-7000-8000-${String(++ids).padStart(12, '0')}`;
  const metrics = createMetrics();
  const observations = observed();
  countObservations(observations, metrics);
  const server = {
    host: '127.0.0.1',
    port: 0,
    budget: 4500,
    bodyLimit: 100_000,
    queryLimit: 32_768,
    maxConcurrent: 1000,
    maxBodyBytes: 1_000_000,
    maxConnections: 1_000,
    workers: 1,
    trustProxy: false,
  };
  const watch = new AuthenticationWatch({
    source: 'open',
    onUnauthenticated: 'reject',
    clock,
    log,
    onSuspect: () => undefined,
  });
  const deps: AppDeps = {
    server,
    admission: new Admission({
      server,
      clock,
      log,
      observations,
      loopDelay: () => 0,
      random: () => 0,
    }),
    turns: new Turns(),
    pace: new Pace(),
    stalls: new Stalls(clock),
    forwarded: createForwarded(changes.server?.trustProxy ?? false),
    rejections: new RejectionLog(clock, log),
    trust: () => undefined,
    sourcePaths: () => ['/open'],
    authentication: () => watch,
    takeRate: () => 0,
    clock,
    outbox: store,
    checks: checksOf(uuid, watchUnreadable({ log, observations })),
    observations,
    log,
    uuid,
    firstBytes: new FirstBytes(clock),
    deadlines: new Deadlines(clock),
    isDraining: () => state.draining,
    ...changes,
  };
  return { deps, metrics, store, clock, state, lines };
}

/** A segment source without verification unless `config` says otherwise. */
export function openSource(config: Partial<SourceConfig> = {}, name = 'open'): Source {
  return createSource(name, sourceConfig(config), new FakeClock());
}
