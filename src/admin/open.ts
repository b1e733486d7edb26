import type Koa from 'koa';
import type { Config } from '../config/config.js';
import type { JsonValue } from '../core/json.js';
import type { Observations } from '../core/observe.js';
import { programVersion } from '../core/version.js';
import type { Exchange } from '../outbox/exchange.js';
import type { Log } from '../telemetry/log.js';
import { createInspector, type Inspector } from '../workbench/inspect/inspector.js';
import type { LiveStats } from '../workbench/inspect/record.js';
import { pathsOf, redactAt } from '../workbench/inspect/redact.js';
import type { OwnAddress } from '../workbench/inspect/send-again.js';
import { ageOf } from './age.js';
import { type AdminDeps, createAdminApp } from './app.js';
import type { ParityRoutesDeps } from './parity-routes.js';

export interface OpenAdminDeps
  extends Omit<AdminDeps, 'comparisons' | 'credentials' | 'inspect' | 'url'> {
  /** The comparisons of the configuration, if it has any. */
  readonly parity?: ParityRoutesDeps['parity'];
  readonly config: Config;
  readonly log: Log;
  readonly observations: Observations;
  /** Every text of the configuration that must not be shown. */
  readonly secrets: readonly string[];
  /** Returns the address of the receiver's own listener; undefined if it has none. */
  readonly receiver: () => OwnAddress | undefined;
  /** Absent if this process records for itself alone. */
  readonly exchange?: Exchange;
}

export interface OpenedAdmin {
  readonly app: Koa;
  /** Starts what runs in the background, once the outbox is open. */
  start(): void;
  /** Ends what a shutdown would otherwise wait for: subscribers and threads. */
  stop(): void;
  /** Another configuration holds from now on. `secrets` are its texts that must not be shown. */
  replace(config: Config, secrets: readonly string[]): void;
  readonly inspector: Inspector;
}

/** Opens the admin application, and the inspector, which observes the receiver. */
export function openAdmin(deps: OpenAdminDeps): OpenedAdmin {
  const { clock, config, exchange, log, metrics, observations, secrets } = deps;
  let current = config;
  const inspector = createInspector({
    config,
    secrets,
    clock,
    observations,
    readSinks: () => readSinks(deps),
    ...(exchange && { exchange, onDropped: (entries) => metrics.recordingsDropped(entries) }),
    // The text of the error may quote the event.
    onFault: (error) =>
      log.warn(
        { fault: error instanceof Error ? error.name : typeof error },
        'a delivery was not sent to the subscribers of /api/live',
      ),
  });
  const stopping = new AbortController();
  const redacted = pathsOf(config.admin?.redact ?? []);
  const shown = (event: JsonValue): JsonValue =>
    inspector.view.mask.json(redactAt(event, redacted));
  const app = createAdminApp({
    ...deps,
    credentials: config.admin ?? {},
    ...(config.admin?.url === undefined ? {} : { url: config.admin.url }),
    ...(deps.parity === undefined ? {} : { comparisons: { parity: deps.parity, shown, clock } }),
    inspect: {
      ...deps,
      inspector,
      version: programVersion(),
      sourceConfig: (name) => current.sources[name],
      budget: () => current.server.budget,
      stopping: stopping.signal,
    },
  });
  const stop = (): void => {
    inspector.sharing?.stop();
    inspector.live.end();
    stopping.abort();
  };
  const replace = (next: Config, texts: readonly string[]): void => {
    current = next;
    inspector.replace(next, texts);
  };
  return { app, inspector, replace, start: () => void inspector.sharing?.run(), stop };
}

async function readSinks({
  clock,
  outbox,
  sinkStates,
}: Pick<AdminDeps, 'clock' | 'outbox' | 'sinkStates'>): Promise<LiveStats['sinks']> {
  const { sinks } = await outbox.stats();
  const states = sinkStates();
  return sinks.map(({ name, pending, oldestReceivedAt, delivered, filtered, deadLetters }) => {
    const state = states.get(name);
    return {
      name,
      pending,
      oldestAgeMs: ageOf(oldestReceivedAt, clock),
      delivered,
      filtered,
      deadLetters,
      ...(state === undefined ? {} : { state: state.state, circuit: state.circuit }),
    };
  });
}
