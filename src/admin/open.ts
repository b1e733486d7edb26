import { readFileSync } from 'node:fs';
import type Koa from 'koa';
import type { Config } from '../config/config.js';
import { createInspector, type Inspector } from '../inspect/inspector.js';
import type { LiveStats } from '../inspect/record.js';
import { ageOf } from './age.js';
import { type AdminDeps, createAdminApp } from './app.js';

export interface OpenAdminDeps extends Omit<AdminDeps, 'credentials' | 'inspect'> {
  readonly config: Config;
  /** Every text of the configuration that must not be shown. */
  readonly secrets: readonly string[];
  /** Of the receiver's own listener; undefined where it has none. */
  readonly receiverUrl: () => string | undefined;
}

export interface OpenedAdmin {
  readonly app: Koa;
  /** Ends what would be waited for: those who listen, and threads. */
  stop(): void;
  readonly inspector: Inspector;
}

/** The admin application, and the inspector whose recorder the receiver's parts report to. */
export function openAdmin(deps: OpenAdminDeps): OpenedAdmin {
  const { clock, config, log, secrets } = deps;
  const inspector = createInspector({
    config,
    secrets,
    clock,
    readSinks: () => readSinks(deps),
    // Its text may quote the event.
    onFault: (error) =>
      log.warn(
        { fault: error instanceof Error ? error.name : typeof error },
        'a delivery could not be shown to who listens at /api/live',
      ),
  });
  const { version } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as { version: string };
  const stopping = new AbortController();
  const app = createAdminApp({
    ...deps,
    credentials: config.admin ?? {},
    inspect: {
      ...deps,
      inspector,
      version,
      sourceConfig: (name) => config.sources[name],
      budget: config.server.budget,
      stopping: stopping.signal,
    },
  });
  const stop = (): void => {
    inspector.live.end();
    stopping.abort();
  };
  return { app, inspector, stop };
}

async function readSinks({
  clock,
  outbox,
  sinkStates,
}: Pick<AdminDeps, 'clock' | 'outbox' | 'sinkStates'>): Promise<LiveStats['sinks']> {
  const { sinks } = await outbox.stats();
  const states = sinkStates();
  return sinks.map(({ name, pending, oldestReceivedAt, delivered, deadLetters }) => {
    const state = states.get(name);
    return {
      name,
      pending,
      oldestAgeMs: ageOf(oldestReceivedAt, clock),
      settled: delivered,
      deadLetters,
      ...(state === undefined ? {} : { state: state.state, circuit: state.circuit }),
    };
  });
}
