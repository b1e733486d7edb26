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

/** As a number, so that one alert does: anything above 0 is a sink that does not get its events. */
const CIRCUIT = { closed: 0, 'half-open': 1, open: 2 } as const;

/** Why a delivery was refused before its body was read. */
export type ShedReason = 'requests' | 'bytes' | 'event_loop' | 'outbox';

const SHED_REASONS: readonly ShedReason[] = ['requests', 'bytes', 'event_loop', 'outbox'];

/** How busy the process is now. */
export interface LoadReading {
  /** Milliseconds. */
  readonly loopDelay: number;
  readonly deliveries: number;
  readonly bodyBytes: number;
}

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
    readonly circuit: keyof typeof CIRCUIT;
  }[];
}

export interface SourceMetrics {
  delivery(outcome: DeliveryOutcome, milliseconds: number): void;
  /** `looped`: events that this receiver had sent on itself. */
  events(accepted: number, duplicates: number, quarantined: number, looped: number): void;
  secretSuspect(suspect: boolean): void;
}

export interface Metrics {
  /** The media type of what `render` returns. */
  readonly contentType: string;
  /** The counters of one source; labels are bound once, since they are touched once a request. */
  source(name: string): SourceMetrics;
  append(milliseconds: number): void;
  shed(reason: ShedReason): void;
  load(reading: LoadReading): void;
  attempt(sink: string, outcome: 'delivered' | 'transient' | 'permanent', events: number): void;
  deadLetter(sink: string, events: number): void;
  circuitOpened(sink: string): void;
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
  const loops = counter(
    'loops_total',
    'Events that came back to the receiver that had sent them.',
    ['source'],
  );
  const suspect = gauge(
    'secret_suspect',
    '1 while deliveries do not verify that did before: the secret may have changed.',
    ['source'],
  );
  const attempts = counter('sink_events_attempted_total', 'Events sent, by outcome.', [
    'sink',
    'outcome',
  ]);
  const deadLetters = counter('dead_letters_total', 'Events given up.', ['sink']);
  const openings = counter('sink_circuit_openings_total', 'Times a sink was found to be down.', [
    'sink',
  ]);
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

  const shed = counter('shed_total', 'Deliveries refused early, since it is overloaded.', [
    'reason',
  ]);
  // Prometheus sees no increase in a counter that begins with its first event.
  for (const reason of SHED_REASONS) shed.labels(reason).inc(0);
  const loopDelay = gauge('event_loop_delay_seconds', 'How late the event loop was lately.', []);
  const inFlight = gauge('deliveries_in_flight', 'Deliveries that are not answered yet.', []);
  const bodyBytes = gauge('body_bytes_in_flight', 'Bytes that their bodies hold.', []);

  const pending = gauge('pending_events', 'The largest backlog of any sink.', []);
  const inQuarantine = gauge('quarantine_entries', 'Events kept in quarantine now.', []);
  const sinkPending = gauge('sink_pending_events', 'Events a sink has not settled.', ['sink']);
  const sinkOldest = gauge('sink_oldest_pending_seconds', 'Age of the oldest of them.', ['sink']);
  const sinkDead = gauge('sink_dead_letters', 'Dead letters kept now.', ['sink']);
  const sinkCircuit = gauge('sink_circuit', 'Circuit: 0 closed, 1 half-open, 2 open.', ['sink']);

  return {
    contentType: registry.contentType,
    source(name) {
      const accepted = events.labels(name);
      const known = duplicates.labels(name);
      const aside = quarantined.labels(name);
      const looped = loops.labels(name);
      // Prometheus sees no increase in a counter that begins with its first event.
      for (const count of [accepted, known, aside, looped]) count.inc(0);
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
    append: (milliseconds) => appendSeconds.observe(milliseconds / 1000),
    shed: (reason) => shed.labels(reason).inc(),
    load(reading) {
      loopDelay.set(reading.loopDelay / 1000);
      inFlight.set(reading.deliveries);
      bodyBytes.set(reading.bodyBytes);
    },
    attempt: (sink, outcome, count) => attempts.labels(sink, outcome).inc(count),
    deadLetter: (sink, count) => deadLetters.labels(sink).inc(count),
    circuitOpened: (sink) => openings.labels(sink).inc(),
    async render(backlog) {
      pending.set(backlog.pending);
      inQuarantine.set(backlog.inQuarantine);
      for (const sink of backlog.sinks) {
        sinkPending.set({ sink: sink.name }, sink.pending);
        sinkOldest.set({ sink: sink.name }, sink.oldestAge);
        sinkDead.set({ sink: sink.name }, sink.deadLetters);
        sinkCircuit.set({ sink: sink.name }, CIRCUIT[sink.circuit]);
        openings.labels(sink.name).inc(0);
      }
      return await registry.metrics();
    },
  };
}
