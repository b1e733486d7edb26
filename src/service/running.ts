import { isDeepStrictEqual } from 'node:util';
import type { Config, SourceConfig } from '../config/config.js';
import type { Clock } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';
import type { JsonObject } from '../core/json.js';
import { AuthenticationWatch } from '../ingest/authentication-watch.js';
import type { Check } from '../ingest/checks/check.js';
import { RateLimits } from '../ingest/rate-limits.js';
import { checkReplayed } from '../ingest/replay.js';
import type { Quarantined } from '../outbox/entries.js';
import type { Outbox } from '../outbox/outbox.js';
import { createSource } from '../sources/registry.js';
import type { Source } from '../sources/source.js';
import type { Log } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';

/** What outlives a reload: the store, the log and the metrics. */
export interface Shared {
  readonly outbox: Pick<Outbox, 'quarantine' | 'receivers'>;
  readonly checks: readonly Check[];
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'source'>;
}

/**
 * What one configuration defines for deliveries, and a reload replaces as a whole: sources with their secrets and rate
 * limits. It runs nothing by itself.
 */
export class Running {
  readonly config: Config;
  readonly sources: readonly Source[];
  readonly #shared: Shared;
  readonly #limits: RateLimits;
  readonly #watches = new Map<string, AuthenticationWatch>();

  /**
   * Creates the sources. A source that is the same as in `before` keeps what it has learned, and so do its rate limits.
   * Throws CONFIG_INVALID.
   */
  constructor(config: Config, shared: Shared, before?: Running) {
    this.config = config;
    this.#shared = shared;
    this.sources = Object.entries(config.sources).map(([name, source]) =>
      sourceOf(name, source, shared.clock, before),
    );
    this.#limits = new RateLimits(
      this.sources,
      { clock: shared.clock, receivers: () => shared.outbox.receivers ?? 1 },
      before === undefined ? undefined : before.#limits,
    );
    for (const source of this.sources) {
      this.#watches.set(source.name, this.#watchOf(source, before));
    }
  }

  /** Takes over from `before`: metrics of new sources begin, and what is left of removed ones ends. */
  takeOver(before?: Running): void {
    const known = before === undefined ? undefined : before.#watches;
    for (const [name, watch] of this.#watches) {
      if (known?.get(name) !== watch) this.#shared.metrics.source(name);
    }
    for (const [name, watch] of known ?? []) if (this.#watches.get(name) !== watch) watch.end();
  }

  /** Returns the authentication watch of a source by name. */
  authentication(name: string): AuthenticationWatch {
    const watch = this.#watches.get(name);
    if (watch === undefined) throw new TypeError(`there is no source ${name}`);
    return watch;
  }

  /** The same for a source that may have been removed: undefined then. */
  findAuthentication(name: string): AuthenticationWatch | undefined {
    return this.#watches.get(name);
  }

  /** Admits a delivery under the `rateLimit` of a source; see `TakeRate`. */
  readonly takeRate: RateLimits['take'] = (source, of) => this.#limits.take(source, of);

  /** Checks whether a secret has become suspect. Call it about once a second. */
  checkAuthentication(): void {
    for (const watch of this.#watches.values()) watch.check();
  }

  sourceStates(): readonly JsonObject[] {
    return [...this.#watches].map(([name, watch]) => ({ name, ...watch.state() }));
  }

  /** Accepts a quarantined event under this configuration. Rejects with NOT_FOUND or EVENT_INVALID. */
  async replayQuarantined(entry: Quarantined): Promise<void> {
    const { checks, outbox } = this.#shared;
    const source = sourceNamed(this.sources, entry.source);
    await outbox.quarantine.accept(entry.id, checkReplayed(source, entry, checks));
  }

  #watchOf({ name, config }: Source, before: Running | undefined): AuthenticationWatch {
    const { onUnauthenticated } = config;
    const known = before === undefined ? undefined : before.#watches.get(name);
    const isSame = before?.config.sources[name]?.onUnauthenticated === onUnauthenticated;
    if (known !== undefined && isSame) return known;
    const { clock, log, metrics } = this.#shared;
    const onSuspect = (isSuspect: boolean): void => metrics.source(name).secretSuspect(isSuspect);
    return new AuthenticationWatch({ source: name, onUnauthenticated, clock, log, onSuspect });
  }
}

function sourceOf(
  name: string,
  config: SourceConfig,
  clock: Clock,
  before: Running | undefined,
): Source {
  const known = before?.sources.find((each) => each.name === name);
  // The file of a schema may have changed.
  const hasFile = config.type === 'rudderstack' && config.schema !== undefined;
  const isSame = !hasFile && isDeepStrictEqual(before?.config.sources[name], config);
  return known !== undefined && isSame ? known : createSource(name, config, clock);
}

function sourceNamed(sources: readonly Source[], name: string): Source {
  const source = sources.find((each) => each.name === name || each.names?.has(name));
  if (source === undefined) {
    throw new TrackbridgeError('NOT_FOUND', `source ${name} is no longer configured`);
  }
  return source;
}
