import type { Link, Span, SpanContext, Tracer } from '@opentelemetry/api';
import type { Observations, ObservedAttempt } from '../../core/observe.js';
import type { Contexts } from './contexts.js';
import type { TraceSdk } from './load.js';

export interface AttemptSpansOptions {
  readonly api: TraceSdk['api'];
  readonly tracer: Tracer;
  readonly contexts: Contexts;
}

/** The names that the conventions have for the systems of sinks. */
const SYSTEMS: Readonly<Record<string, string>> = {
  kafka: 'kafka',
  rabbitmq: 'rabbitmq',
  nats: 'nats',
  mqtt: 'mqtt',
  redis: 'redis',
};

/**
 * Makes one span of each attempt of a sink, with a link to the span of each delivery that brought its events. If one
 * delivery brought them all, the attempt belongs to its trace, also in another process and after a restart; otherwise it
 * begins a trace of its own. Attributes follow OpenTelemetry's conventions for messaging.
 */
export function traceAttempts(
  observations: Observations,
  { api, contexts, tracer }: AttemptSpansOptions,
): void {
  const { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = api;
  // An attempt that a stop or a lost lease ends has no outcome: its span is forgotten with it.
  const open = new WeakMap<ObservedAttempt, Span>();

  observations.attempting.subscribe((attempt) => {
    const { at, sink, size, type } = attempt;
    const origins = new Map(attempt.origins().map((origin) => [origin.traceparent, origin]));
    const parents = [...origins.values()].map((origin) => contexts.of(origin));
    const links = parents
      .map((parent) => trace.getSpanContext(parent))
      .filter((context): context is SpanContext => context !== undefined)
      .map((context): Link => ({ context }));
    const [only = ROOT_CONTEXT] = parents.length === 1 ? parents : [];
    const system = SYSTEMS[type];
    const span = tracer.startSpan(
      `send ${sink}`,
      {
        kind: SpanKind.CLIENT,
        startTime: at,
        links,
        attributes: {
          'messaging.operation.name': 'send',
          'messaging.operation.type': 'send',
          'messaging.batch.message_count': size,
          ...(system !== undefined && { 'messaging.system': system }),
          'trackbridge.sink': sink,
          'trackbridge.sink.type': type,
        },
      },
      only,
    );
    attempt.trace = contexts.toTrace(span);
    if (span.isRecording()) open.set(attempt, span);
  });
  observations.attempted.subscribe(({ attempt, counts, error, ms }) => {
    const span = attempt && open.get(attempt);
    if (attempt === undefined || span === undefined) return;
    open.delete(attempt);
    const { delivered, permanent, transient } = counts;
    span.setAttributes({
      'trackbridge.events.delivered': delivered,
      'trackbridge.events.transient': transient,
      'trackbridge.events.permanent': permanent,
    });
    if (error !== undefined) {
      span.setAttribute('error.type', permanent > 0 ? 'permanent' : 'transient');
      span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    }
    span.end(attempt.at + ms);
  });
}
