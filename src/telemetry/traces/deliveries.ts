import type { Attributes, Context, Span, Tracer } from '@opentelemetry/api';
import type { Clock } from '../../core/clock.js';
import type { Observations, ObservedDelivery } from '../../core/observe.js';
import type { Contexts } from './contexts.js';
import type { TraceSdk } from './load.js';

export interface DeliverySpansOptions {
  readonly api: TraceSdk['api'];
  readonly tracer: Tracer;
  readonly contexts: Contexts;
  readonly clock: Clock;
  /** Returns the path of a source, as the configuration writes it. */
  readonly routeOf: (source: string) => string;
}

/** What the conventions call every other method, which a sender can invent. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH']);

interface OpenDelivery {
  readonly span: Span;
  /** The context of its child spans. */
  readonly context: Context;
  /** Milliseconds since the epoch, and when that was on the monotonic clock. */
  readonly at: number;
  readonly monotonic: number;
  step: Span | undefined;
}

/**
 * Makes one span of each delivery, with a child span for each of the steps verify, decode and append. Attributes follow
 * OpenTelemetry's conventions for HTTP servers. They contain no query, header, address or part of an event.
 */
export function traceDeliveries(
  observations: Observations,
  { api, clock, contexts, routeOf, tracer }: DeliverySpansOptions,
): void {
  const { SpanKind, SpanStatusCode, trace } = api;
  // A request that brings no event is never answered as a delivery: its span is forgotten with it.
  const open = new WeakMap<ObservedDelivery, OpenDelivery>();

  const nowIn = ({ at, monotonic }: OpenDelivery): number => at + clock.monotonic() - monotonic;
  const endStep = (of: OpenDelivery, failure?: string): void => {
    if (of.step === undefined) return;
    if (failure !== undefined) {
      of.step.setAttribute('error.type', failure);
      of.step.setStatus({ code: SpanStatusCode.ERROR });
    }
    of.step.end(nowIn(of));
    of.step = undefined;
  };

  observations.began.subscribe(({ at, delivery, method, rawHeaders }) => {
    // A path that no source has is not a delivery of any source.
    if (delivery.source === '') return;
    const known = METHODS.has(method);
    const route = routeOf(delivery.source);
    const attributes: Attributes = {
      'http.request.method': known ? method : '_OTHER',
      'http.route': route,
      'trackbridge.source': delivery.source,
      'trackbridge.delivery.id': delivery.id,
    };
    const span = tracer.startSpan(
      `${known ? method : 'HTTP'} ${route}`,
      { kind: SpanKind.SERVER, startTime: at, attributes },
      contexts.ofHeaders(rawHeaders),
    );
    delivery.trace = contexts.toTrace(span);
    if (!span.isRecording()) return;
    const context = trace.setSpan(api.ROOT_CONTEXT, span);
    open.set(delivery, { span, context, at, monotonic: clock.monotonic(), step: undefined });
  });
  observations.stepped.subscribe(({ delivery, step }) => {
    const of = open.get(delivery);
    if (of === undefined) return;
    endStep(of);
    of.step = tracer.startSpan(step, { startTime: nowIn(of) }, of.context);
  });
  observations.appended.subscribe(({ counts, delivery }) => {
    const of = open.get(delivery);
    if (of === undefined) return;
    endStep(of);
    for (const [name, count] of Object.entries(counts)) {
      if (typeof count !== 'number') continue;
      if (['accepted', 'duplicates', 'quarantined', 'looped'].includes(name)) {
        of.span.setAttribute(`trackbridge.events.${name}`, count);
      }
    }
  });
  observations.answered.subscribe(({ delivery, error, outcome, response: { status } }) => {
    const of = open.get(delivery);
    if (of === undefined) return;
    open.delete(delivery);
    endStep(of, error?.code);
    of.span.setAttributes({
      'http.response.status_code': status,
      'trackbridge.outcome': outcome,
      ...(error !== undefined && { 'error.type': error.code }),
    });
    // By the conventions, a fault of the client is no error of the server.
    if (status >= 500) of.span.setStatus({ code: SpanStatusCode.ERROR });
    of.span.end(nowIn(of));
  });
}
