import type { Observations } from '../core/observe.js';
import type { Metrics, SourceMetrics } from './metrics.js';

/** Subscribes the metrics to what a receiver observes. */
export function countObservations(observations: Observations, metrics: Metrics): void {
  const sources = new Map<string, SourceMetrics>();
  const of = (name: string): SourceMetrics => {
    let source = sources.get(name);
    if (source === undefined) {
      source = metrics.source(name);
      sources.set(name, source);
    }
    return source;
  };
  observations.appended.subscribe(({ delivery, counts, ms }) => {
    if (ms !== undefined) metrics.append(ms);
    of(delivery.source).events(
      counts.accepted,
      counts.duplicates,
      counts.quarantined,
      counts.looped,
    );
  });
  observations.answered.subscribe(({ delivery, outcome, ms }) => {
    // A path that no source has is not a delivery of any source.
    if (delivery.source !== '') of(delivery.source).delivery(outcome, ms);
  });
  observations.unreadable.subscribe(({ source, field }) => metrics.unreadable(source, field));
  observations.shed.subscribe(({ reason }) => metrics.shed(reason));
  observations.load.subscribe((reading) => metrics.load(reading));
  observations.attempted.subscribe(({ sink, counts, ms }) => {
    metrics.attemptTook(sink, ms);
    const { delivered, transient, permanent } = counts;
    if (delivered > 0) metrics.attempt(sink, 'delivered', delivered);
    if (transient > 0) metrics.attempt(sink, 'transient', transient);
    if (permanent > 0) metrics.attempt(sink, 'permanent', permanent);
  });
  observations.settled.subscribe(({ sink, dead, filtered }) => {
    if (dead > 0) metrics.deadLetter(sink, dead);
    if (filtered > 0) metrics.filtered(sink, filtered);
  });
  observations.spans.subscribe(({ outcome, spans }) => metrics.spans(outcome, spans));
  observations.circuitOpened.subscribe(({ sink }) => metrics.circuitOpened(sink));
}
