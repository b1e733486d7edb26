import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** How a delivery ended, as a metric label: one word a row of the contract's table of answers. */
export type DeliveryOutcome =
  | 'accepted'
  | 'aborted'
  | 'undecodable'
  | 'unauthenticated'
  | 'not_allowed'
  | 'too_large'
  | 'timeout'
  | 'invalid'
  | 'rate_limited'
  | 'unavailable';

/** What the gauges are set from when Prometheus asks, so that nothing is counted on the way of a request. */
interface BacklogReading {
  readonly pending: number;
  readonly inQuarantine: number;
  readonly sinks: readonly {
    readonly name: string;
    readonly pending: number;
    /** Seconds; 0 where nothing is pending. */
    readonly oldestAge: number;
    readonly deadLetters: number;
  }[];
}

export interface SourceMetrics {
  delivery(outcome: DeliveryOutcome, milliseconds: number): void;
  events(accepted: number, duplicates: number, quarantined: number): void;
}

export interface Metrics {
  /** The media type of what `render` returns. */
  readonly contentType: string;
  /** The counters of one source; labels are bound once, since they are touched once a request. */
  source(name: string): SourceMetrics;
  append(milliseconds: number): void;
  attempt(sink: string, outcome: 'delivered' | 'transient' | 'permanent', events: number): void;
  deadLetter(sink: string, events: number): void;
  /** Everything in Prometheus' text format, the gauges set from this reading. */
  render(backlog: BacklogReading): Promise<string>;
}

// A request is answered within five seconds or not at all; finer steps around the time one fdatasync takes.
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** A registry of its own for every receiver, so that two in one process (tests, a host application) do not share. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[]): Counter =>
    new Counter({ name: `trackbridge_${name}`, help, labelNames, registers });
  const gauge = (name: string, help: string, labelNames: string[]): Gauge =>
    new Gauge({ name: `trackbridge_${name}`, help, labelNames, registers });

  const deliveries = counter('deliveries_total', 'Deliveries by source and outcome.', [
    'source',
    'outcome',
  ]);
  const events = counter('events_total', 'Events accepted.', ['source']);
  const duplicates = counter('duplicates_total', 'Events that were known already.', ['source']);
  const quarantined = counter('quarantined_total', 'Events put into quarantine.', ['source']);
  const attempts = counter('sink_events_attempted_total', 'Events sent, by outcome.', [
    'sink',
    'outcome',
  ]);
  const deadLetters = counter('dead_letters_total', 'Events given up.', ['sink']);
  const answerSeconds = new Histogram({
    name: 'trackbridge_answer_seconds',
    help: 'From the first byte of a delivery to its answer.',
    labelNames: ['source'],
    buckets: SECONDS,
    registers,
  });
  const appendSeconds = new Histogram({
    name: 'trackbridge_append_seconds',
    help: 'Until a delivery was durable in the outbox.',
    buckets: SECONDS,
    registers,
  });

  const pending = gauge('pending_events', 'The largest backlog of any sink.', []);
  const inQuarantine = gauge('quarantine_entries', 'Events kept in quarantine now.', []);
  const sinkPending = gauge('sink_pending_events', 'Events a sink has not settled.', ['sink']);
  const sinkOldest = gauge('sink_oldest_pending_seconds', 'Age of the oldest of them.', ['sink']);
  const sinkDead = gauge('sink_dead_letters', 'Dead letters kept now.', ['sink']);

  return {
    contentType: registry.contentType,
    source(name) {
      const accepted = events.labels(name);
      const known = duplicates.labels(name);
      const aside = quarantined.labels(name);
      // Prometheus sees no increase in a counter that begins with its first event.
      for (const count of [accepted, known, aside]) count.inc(0);
      const seconds = answerSeconds.labels(name);
      const outcomes = new Map<DeliveryOutcome, Counter.Internal>();
      return {
        delivery(outcome, milliseconds) {
          let count = outcomes.get(outcome);
          if (count === undefined) {
            count = deliveries.labels(name, outcome);
            outcomes.set(outcome, count);
          }
          count.inc();
          seconds.observe(milliseconds / 1000);
        },
        events(acceptedCount, duplicateCount, quarantinedCount) {
          if (acceptedCount > 0) accepted.inc(acceptedCount);
          if (duplicateCount > 0) known.inc(duplicateCount);
          if (quarantinedCount > 0) aside.inc(quarantinedCount);
        },
      };
    },
    append: (milliseconds) => appendSeconds.observe(milliseconds / 1000),
    attempt: (sink, outcome, count) => attempts.labels(sink, outcome).inc(count),
    deadLetter: (sink, count) => deadLetters.labels(sink).inc(count),
    async render(backlog) {
      pending.set(backlog.pending);
      inQuarantine.set(backlog.inQuarantine);
      for (const sink of backlog.sinks) {
        sinkPending.set({ sink: sink.name }, sink.pending);
        sinkOldest.set({ sink: sink.name }, sink.oldestAge);
        sinkDead.set({ sink: sink.name }, sink.deadLetters);
      }
      return await registry.metrics();
    },
  };
}
