import { isObject, type JsonValue } from '../core/json.js';
import type { TraceContext } from '../core/observe.js';

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;

/**
 * Returns the span that a receipt names; undefined if it names none. A transform may have written the receipt, so texts
 * that do not fit into a header are left out.
 */
export function traceOf(receipt: JsonValue | undefined): TraceContext | undefined {
  if (!isObject(receipt)) return undefined;
  const { traceparent, tracestate } = receipt;
  if (typeof traceparent !== 'string' || !TRACEPARENT.test(traceparent)) return undefined;
  if (typeof tracestate !== 'string' || !TRACESTATE.test(tracestate)) return { traceparent };
  return { traceparent, tracestate };
}
