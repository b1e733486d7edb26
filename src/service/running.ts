import type { Config } from '../config/config.js';
import type { Clock } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';
import type { JsonObject } from '../core/json.js';
import type { Observations } from '../core/observe.js';
import { createDispatcher, type Dispatcher } from '../dispatch/dispatcher.js';
import type { SinkState } from '../dispatch/health.js';
import { AuthenticationWatch } from '../ingest/authentication-watch.js';
import type { Check } from '../ingest/checks/check.js';
import { createRateLimits, type RateLimited } from '../ingest/rate-limits.js';
import { checkReplayed } from '../ingest/replay.js';
import type { Quarantined } from '../outbox/entries.js';
import type { Outbox } from '../outbox/outbox.js';
import { createSource } from '../sources/registry.js';
import type { Source } from '../sources/source.js';
import type { Log } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { memberName, ownFiles } from './member.js';
import { createSinks } from './sinks.js';

/** What outlives a reload: the store, the log and the metrics. */
export interface Shared {
  readonly outbox: Outbox;
  readonly checks: readonly Check[];
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly observations: Observations;
  /** Returns the name of this receiver in events that it has forwarded. */
  readonly bridgeId: () => string;
}

/** What one configuration defines and a reload replaces as a whole: sources, secrets, sinks. */
export interface Running {
  readonly config: Config;
  readonly sources: readonly Source[];
  /** Returns the authentication watch of a source by name. */
  authentication(source: string): AuthenticationWatch;
  /** Admits a delivery under the `rateLimit` of a source; see `TakeRate`. */
  takeRate(source: string, of: RateLimited): number;
  /** Creates the sinks and their dispatcher without starting it. Rejects with CONFIG_INVALID. */
  openSinks(): Promise<Dispatcher>;
  /** Checks whether a secret has become suspect. Call it about once a second. */
  checkAuthentication(): void;
  sourceStates(): readonly JsonObject[];
  sinkStates(): ReadonlyMap<string, SinkState>;
  /** Pauses or resumes a sink, also for later starts. Rejects with NOT_FOUND. */
  setPaused(sink: string, paused: boolean): Promise<void>;
  /** Accepts a quarantined event under this configuration. Rejects with NOT_FOUND or EVENT_INVALID. */
  replayQuarantined(entry: Quarantined): Promise<void>;
}

/** Creates the sources. Nothing runs before `openSinks`. The caller starts and stops its dispatcher. */
export function createRunning(config: Config, shared: Shared): Running {
  const { bridgeId, checks, clock, log, metrics, observations, outbox } = shared;
  const sources = Object.entries(config.sources).map(([name, source]) =>
    createSource(name, source, clock),
  );
  const authentication = new Map(
    sources.map(({ name, config: { onUnauthenticated } }) => {
      const onSuspect = metrics.source(name).secretSuspect;
      const deps = { source: name, onUnauthenticated, clock, log, onSuspect };
      return [name, new AuthenticationWatch(deps)];
    }),
  );
  let dispatcher: Dispatcher | undefined;

  return {
    config,
    sources,
    authentication(name) {
      const watch = authentication.get(name);
      if (watch === undefined) throw new TypeError(`there is no source ${name}`);
      return watch;
    },
    takeRate: createRateLimits(sources, clock, () => outbox.receivers ?? 1),
    async openSinks() {
      const own = ownFiles(config.sinks, memberName(config));
      const sinks = await createSinks(own, {
        ...{ clock, log, bridgeId, metrics },
        sources: Object.keys(sources),
      });
      dispatcher = createDispatcher({ outbox, sinks, clock, log, observations });
      return dispatcher;
    },
    checkAuthentication() {
      for (const watch of authentication.values()) watch.check();
    },
    sourceStates: () => [...authentication].map(([name, watch]) => ({ name, ...watch.state() })),
    sinkStates: () => new Map((dispatcher?.state() ?? []).map((state) => [state.name, state])),
    async setPaused(sink, paused) {
      await outbox.setPaused(sink, paused);
      dispatcher?.setPaused(sink, paused);
      log.info({ sink }, `an operator ${paused ? 'paused' : 'resumed'} the sink`);
    },
    async replayQuarantined(entry) {
      const source = sourceNamed(sources, entry.source);
      await outbox.quarantine.accept(entry.id, checkReplayed(source, entry, checks));
    },
  };
}

function sourceNamed(sources: readonly Source[], name: string): Source {
  const source = sources.find((each) => each.name === name || each.names?.has(name));
  if (source === undefined) {
    throw new TrackbridgeError('NOT_FOUND', `source ${name} is no longer configured`);
  }
  return source;
}
