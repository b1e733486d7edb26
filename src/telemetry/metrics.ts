import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { DeliveryOutcome, LoadReading, ShedReason } from '../core/observe.js';
import { programVersion } from '../core/version.js';
import { type ComparisonReading, comparisonGauges } from './comparisons.js';

/** The state of a sink as a number, so that one alert suffices: a sink above 0 does not receive its events. */
const CIRCUIT = { closed: 0, 'half-open': 1, open: 2 } as const;

const BOUNDS = ['max', 'keep'] as const;

const ATTEMPT_OUTCOMES = ['delivered', 'transient', 'permanent'] as const;

const OUTCOMES: Readonly<Record<DeliveryOutcome, null>> = {
  accepted: null,
  aborted: null,
  undecodable: null,
  unauthenticated: null,
  not_allowed: null,
  too_large: null,
  timeout: null,
  invalid: null,
  rate_limited: null,
  unavailable: null,
};

const SHED_REASONS: readonly ShedReason[] = ['requests', 'bytes', 'event_loop', 'outbox'];

const SPAN_OUTCOMES = ['exported', 'dropped', 'failed'] as const;
const RELOAD_RESULTS = ['applied', 'rejected'] as const;

const TIME_FIELDS = ['timestamp', 'originalTimestamp', 'sentAt', 'receivedAt'];

/** The values of the gauges. They are read only when Prometheus scrapes, so that requests do not pay for them. */
interface BacklogReading {
  /**
   * Whether another process exports what holds for the whole store. Of the members that share one, only one does, so
   * that a sum over all of them is right.
   */
  readonly isElsewhere?: boolean;
  readonly pending: number;
  readonly inQuarantine: number;
  readonly sinks: readonly {
    readonly name: string;
    readonly pending: number;
    readonly maxPending: number;
    /** Seconds; 0 if nothing is pending. */
    readonly oldestAge: number;
    readonly deadLetters: number;
    readonly circuit: keyof typeof CIRCUIT;
    readonly isPaused: boolean;
  }[];
  /** Bytes of the outbox on its disk, if it has a file. */
  readonly outboxBytes?: number;
  /** The comparisons of this receiver. */
  readonly comparisons?: readonly ComparisonReading[];
}

/** What a limit took away; `name` is a sink's or a source's. */
interface CountedLoss {
  readonly what: 'discarded' | 'dead-lettered' | 'quarantine' | 'deadLetters';
  readonly name: string;
  readonly bound?: 'max' | 'keep';
}

export interface SourceMetrics {
  delivery(outcome: DeliveryOutcome, milliseconds: number): void;
  /** `looped`: events that this receiver had already forwarded. */
  events(accepted: number, duplicates: number, quarantined: number, looped: number): void;
  secretSuspect(suspect: boolean): void;
}

export interface Metrics {
  /** The media type of what `render` returns. */
  readonly contentType: string;
  /** The counters of one source. Labels are bound once, because every request updates them. */
  source(name: string): SourceMetrics;
  append(milliseconds: number): void;
  /** Counts an accepted event with an unreadable timestamp; `field` is its name. */
  unreadable(source: string, field: string): void;
  shed(reason: ShedReason): void;
  load(reading: LoadReading): void;
  attempt(sink: string, outcome: (typeof ATTEMPT_OUTCOMES)[number], events: number): void;
  /** Counts how long one attempt of a sink took. */
  attemptTook(sink: string, milliseconds: number): void;
  deadLetter(sink: string, events: number): void;
  filtered(sink: string, events: number): void;
  lost(loss: CountedLoss, events: number): void;
  circuitOpened(sink: string): void;
  spans(outcome: (typeof SPAN_OUTCOMES)[number], spans: number): void;
  reloaded(result: (typeof RELOAD_RESULTS)[number]): void;
  /** A configuration was applied at this time, in milliseconds since the epoch. */
  configured(at: number): void;
  /** Counts names in the `integrations` of delivered events for which the sink's vendor has no destination. */
  unmappedIntegrations(sink: string, names: number): void;
  unplacedValues(sink: string, values: number): void;
  /** Counts deliveries and attempts that the other members are not told of. */
  recordingsDropped(entries: number): void;
  /** Counts events whose outcome was refused because another member had taken over their partitions. */
  stale(events: number): void;
  /** Reports how long the oldest transaction is open that delays delivery; 0 if there is none. Milliseconds. */
  readingDelayed(milliseconds: number): void;
  /** Returns all metrics in Prometheus' text format, with the gauges set from these values. */
  render(backlog: BacklogReading): Promise<string>;
}

/** Up to the default `timeout` of a sink. */
const ATTEMPT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

// A request is answered within five seconds or not at all. The steps are finer around the time of one fdatasync.
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Every receiver has its own registry, so that two in one process (tests, a host application) do not share metrics. */
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
  const duplicates = counter('duplicates_total', 'Duplicates.', ['source']);
  const quarantined = counter('quarantined_total', 'Events quarantined.', ['source']);
  const loops = counter(
    'loops_total',
    'Events that came back to the receiver that forwarded them, and were dropped.',
    ['source'],
  );
  const unreadable = counter(
    'unreadable_timestamps_total',
    'Timestamps that cannot be read and count as missing.',
    ['source', 'field'],
  );
  const suspect = gauge(
    'secret_suspect',
    '1 while the deliveries of a source fail verification after earlier ones passed: the secret may have changed.',
    ['source'],
  );
  const setComparisons = comparisonGauges(gauge);
  const attempts = counter(
    'sink_events_attempted_total',
    'Events in attempts of a sink, by outcome.',
    ['sink', 'outcome'],
  );
  const deadLetters = counter('dead_letters_total', 'Events that became dead letters.', ['sink']);
  const filtered = counter(
    'sink_events_filtered_total',
    'Events that `where` or `transform` of a sink filtered out.',
    ['sink'],
  );
  const discarded = counter('sink_events_discarded_total', 'Pending events that were discarded.', [
    'sink',
  ]);
  const droppedLetters = counter('dead_letters_dropped_total', 'Dead letters over a bound.', [
    'sink',
    'bound',
  ]);
  const droppedEntries = counter('quarantine_dropped_total', 'Quarantined events over a bound.', [
    'source',
    'bound',
  ]);
  const openings = counter('sink_circuit_openings_total', 'Times the circuit of a sink opened.', [
    'sink',
  ]);
  const unmapped = counter(
    'unmapped_integrations_total',
    'Names in `integrations` without a counterpart at the vendor of the sink.',
    ['sink'],
  );
  const unplaced = counter(
    'unplaced_values_total',
    'Values of events that were not written because the table of the sink has no place for them.',
    ['sink'],
  );
  const recordingsDropped = counter(
    'recordings_dropped_total',
    'Deliveries and attempts that this member recorded and did not tell the other members, because they were too many.',
    [],
  );
  const stale = counter(
    'stale_settlements_total',
    'Events whose outcome the store refused because another member had taken over their partitions. They are redelivered.',
    [],
  );
  const readingDelay = gauge(
    'reading_delay_seconds',
    'How long a transaction in the same PostgreSQL server has delayed delivery; 0 if none does.',
    [],
  );
  const attemptSeconds = new Histogram({
    name: 'trackbridge_sink_attempt_seconds',
    help: 'Time of one attempt of a sink to deliver a batch.',
    labelNames: ['sink'],
    buckets: ATTEMPT_SECONDS,
    registers,
  });
  const answerSeconds = new Histogram({
    name: 'trackbridge_answer_seconds',
    help: 'Time from the first byte of a delivery to its answer.',
    labelNames: ['source'],
    buckets: SECONDS,
    registers,
  });
  const appendSeconds = new Histogram({
    name: 'trackbridge_append_seconds',
    help: 'Time until a delivery is durable in the outbox.',
    buckets: SECONDS,
    registers,
  });

  const shed = counter(
    'shed_total',
    'Deliveries rejected before their body was read because the receiver was overloaded, by reason.',
    ['reason'],
  );
  // Prometheus sees no increase in a counter that begins with its first event.
  for (const reason of SHED_REASONS) shed.labels(reason).inc(0);
  const spans = counter(
    'spans_total',
    'Spans of traces by outcome: exported, dropped because too many waited, or failed because the collector did not accept them.',
    ['outcome'],
  );
  for (const outcome of SPAN_OUTCOMES) spans.labels(outcome).inc(0);
  const reloads = counter('reloads_total', 'Reloads of the configuration, by result.', ['result']);
  for (const result of RELOAD_RESULTS) reloads.labels(result).inc(0);
  const configuredAt = gauge(
    'config_applied_timestamp_seconds',
    'Unix time at which the configuration in effect was applied, by the start or a reload.',
    [],
  );
  const loopDelay = gauge('event_loop_delay_seconds', 'Recent delay of the event loop.', []);
  const inFlight = gauge('deliveries_in_flight', 'Deliveries in progress.', []);
  const bodyBytes = gauge(
    'body_bytes_in_flight',
    'Bytes in the bodies of deliveries in progress.',
    [],
  );

  const pending = gauge('pending_events', 'Largest number of pending events of any sink.', []);
  const inQuarantine = gauge('quarantine_entries', 'Events in quarantine.', []);
  const sinkPending = gauge('sink_pending_events', 'Pending events of a sink.', ['sink']);
  const sinkFill = gauge('sink_pending_ratio', 'Pending events by their limit: 1 is full.', [
    'sink',
  ]);
  const sinkOldest = gauge(
    'sink_oldest_pending_seconds',
    'Age of the oldest pending event of a sink.',
    ['sink'],
  );
  const sinkDead = gauge('sink_dead_letters', 'Dead letters of a sink.', ['sink']);
  const sinkCircuit = gauge('sink_circuit', 'Circuit of a sink: 0 closed, 1 half-open, 2 open.', [
    'sink',
  ]);

  const sinkPaused = gauge('sink_paused', '1 while an operator has paused a sink.', ['sink']);
  const outboxBytes = gauge('outbox_bytes', 'Size of the outbox on its disk.', []);
  gauge('build_info', '1, with the version of the program and of Node as labels.', [
    'version',
    'node',
  ])
    .labels(programVersion(), process.versions.node)
    .set(1);
  let hasProcess = false;

  return {
    contentType: registry.contentType,
    source(name) {
      const accepted = events.labels(name);
      const known = duplicates.labels(name);
      const aside = quarantined.labels(name);
      const looped = loops.labels(name);
      // Prometheus sees no increase in a counter that begins with its first event.
      for (const field of TIME_FIELDS) unreadable.labels(name, field).inc(0);
      const drops = BOUNDS.map((bound) => droppedEntries.labels(name, bound));
      for (const count of [accepted, known, aside, looped, ...drops]) count.inc(0);
      for (const outcome of Object.keys(OUTCOMES)) deliveries.labels(name, outcome).inc(0);
      const secret = suspect.labels(name);
      secret.set(0);
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
        secretSuspect: (is) => secret.set(is ? 1 : 0),
        events(acceptedCount, duplicateCount, quarantinedCount, loopedCount) {
          if (acceptedCount > 0) accepted.inc(acceptedCount);
          if (duplicateCount > 0) known.inc(duplicateCount);
          if (quarantinedCount > 0) aside.inc(quarantinedCount);
          if (loopedCount > 0) looped.inc(loopedCount);
        },
      };
    },
    unreadable: (source, field) => unreadable.labels(source, field).inc(),
    append: (milliseconds) => appendSeconds.observe(milliseconds / 1000),
    shed: (reason) => shed.labels(reason).inc(),
    load(reading) {
      loopDelay.set(reading.loopDelay / 1000);
      inFlight.set(reading.deliveries);
      bodyBytes.set(reading.bodyBytes);
    },
    attempt: (sink, outcome, count) => attempts.labels(sink, outcome).inc(count),
    attemptTook: (sink, milliseconds) => attemptSeconds.labels(sink).observe(milliseconds / 1000),
    deadLetter: (sink, count) => deadLetters.labels(sink).inc(count),
    filtered: (sink, count) => filtered.labels(sink).inc(count),
    lost({ what, name, bound = 'max' }, count) {
      if (what === 'discarded') discarded.labels(name).inc(count);
      if (what === 'dead-lettered') deadLetters.labels(name).inc(count);
      if (what === 'deadLetters') droppedLetters.labels(name, bound).inc(count);
      if (what === 'quarantine') droppedEntries.labels(name, bound).inc(count);
    },
    reloaded: (result) => reloads.labels(result).inc(),
    configured: (at) => configuredAt.set(at / 1000),
    circuitOpened: (sink) => openings.labels(sink).inc(),
    spans: (outcome, count) => spans.labels(outcome).inc(count),
    unmappedIntegrations: (sink, names) => unmapped.labels(sink).inc(names),
    unplacedValues: (sink, values) => unplaced.labels(sink).inc(values),
    recordingsDropped: (entries) => recordingsDropped.inc(entries),
    stale: (count) => stale.inc(count),
    readingDelayed: (milliseconds) => readingDelay.set(milliseconds / 1000),
    async render(backlog) {
      setComparisons(backlog.comparisons ?? []);
      // They observe the event loop and the garbage collector, so they begin with the first scrape.
      if (!hasProcess) collectDefaultMetrics({ register: registry });
      hasProcess = true;
      for (const each of [outboxBytes, pending, inQuarantine]) each.remove();
      // Without this, a sink that a reload has removed would stay.
      for (const each of [sinkPending, sinkOldest, sinkDead, sinkFill, sinkCircuit, sinkPaused]) {
        each.reset();
      }
      if (backlog.isElsewhere !== true) {
        outboxBytes.set(backlog.outboxBytes ?? 0);
        pending.set(backlog.pending);
        inQuarantine.set(backlog.inQuarantine);
      }
      for (const sink of backlog.sinks) {
        if (backlog.isElsewhere !== true) {
          sinkPending.set({ sink: sink.name }, sink.pending);
          sinkOldest.set({ sink: sink.name }, sink.oldestAge);
          sinkDead.set({ sink: sink.name }, sink.deadLetters);
          sinkFill.set({ sink: sink.name }, sink.pending / sink.maxPending);
        }
        sinkCircuit.set({ sink: sink.name }, CIRCUIT[sink.circuit]);
        sinkPaused.set({ sink: sink.name }, sink.isPaused ? 1 : 0);
        for (const outcome of ATTEMPT_OUTCOMES) attempts.labels(sink.name, outcome).inc(0);
        for (const count of [deadLetters, filtered, discarded, openings, unmapped, unplaced]) {
          count.labels(sink.name).inc(0);
        }
        for (const bound of BOUNDS) droppedLetters.labels(sink.name, bound).inc(0);
      }
      return await registry.metrics();
    },
  };
}
