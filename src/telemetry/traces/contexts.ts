import type { Context, Span } from '@opentelemetry/api';
import type { TraceContext } from '../../core/observe.js';
import type { TraceSdk } from './load.js';

/** The longest `tracestate` that W3C asks to pass on. The library drops a longer one whole. */
const LONGEST_STATE = 512;

/** Turns headers of W3C Trace Context into contexts of OpenTelemetry and back. */
export interface Contexts {
  /**
   * Returns the context in which a delivery's span begins. Without exactly one valid `traceparent`, it is the root: the
   * standard asks to begin a new trace then.
   */
  ofHeaders(rawHeaders: readonly string[]): Context;
  of(trace: TraceContext): Context;
  /** Returns what names a span to others. */
  toTrace(span: Span): TraceContext;
}

export function createContexts({ api, core }: Pick<TraceSdk, 'api' | 'core'>): Contexts {
  const { ROOT_CONTEXT, defaultTextMapGetter, defaultTextMapSetter, trace } = api;
  const propagator = new core.W3CTraceContextPropagator();
  const extract = (carrier: Readonly<Record<string, string>>): Context =>
    propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);

  return {
    ofHeaders(rawHeaders) {
      const [traceparent, ...others] = linesOf(rawHeaders, 'traceparent');
      if (traceparent === undefined || others.length > 0) return ROOT_CONTEXT;
      const tracestate = linesOf(rawHeaders, 'tracestate').join(',');
      const hasState = tracestate !== '' && tracestate.length <= LONGEST_STATE;
      return extract({ traceparent, ...(hasState && { tracestate }) });
    },
    of: ({ traceparent, tracestate }) =>
      extract({ traceparent, ...(tracestate !== undefined && { tracestate }) }),
    toTrace(span) {
      const carrier: Record<string, string> = {};
      propagator.inject(trace.setSpan(ROOT_CONTEXT, span), carrier, defaultTextMapSetter);
      const { traceparent = '', tracestate = '' } = carrier;
      return tracestate === '' ? { traceparent } : { traceparent, tracestate };
    },
  };
}

function linesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === name) values.push((rawHeaders[at + 1] ?? '').trim());
  }
  return values;
}
