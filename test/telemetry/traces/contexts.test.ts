import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Contexts, createContexts } from '../../../src/telemetry/traces/contexts.js';
import { loadTraceSdk, type TraceSdk } from '../../../src/telemetry/traces/load.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const VALID = `00-${TRACE}-${SPAN}-01`;

let sdk: TraceSdk;
let contexts: Contexts;
beforeAll(async () => {
  sdk = await loadTraceSdk();
  contexts = createContexts(sdk);
});

const spanOf = (...rawHeaders: string[]) =>
  sdk.api.trace.getSpanContext(contexts.ofHeaders(rawHeaders));

describe('the context of a delivery', () => {
  it('is the span that its traceparent names, however the header is written', () => {
    expect(spanOf('accept', '*/*', 'TraceParent', ` ${VALID} `)).toMatchObject({
      traceId: TRACE,
      spanId: SPAN,
      traceFlags: 1,
      isRemote: true,
    });
  });

  it('is the span of a later version of the standard, whose first fields are the same', () => {
    expect(spanOf('traceparent', `cc-${TRACE}-${SPAN}-01-more`)).toMatchObject({ spanId: SPAN });
  });

  it.each([
    '',
    'no trace',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}${TRACE}-${SPAN}-01`,
    `${VALID},${VALID}`,
  ])('is none for the traceparent %j', (traceparent) => {
    expect(spanOf('traceparent', traceparent)).toBeUndefined();
  });

  it('is none for two traceparents', () => {
    expect(spanOf('traceparent', VALID, 'traceparent', VALID)).toBeUndefined();
  });

  it('has the tracestate of all its lines, unless they are too long', () => {
    const stateOf = (...lines: string[]) =>
      spanOf(
        'traceparent',
        VALID,
        ...lines.flatMap((line) => ['tracestate', line]),
      )?.traceState?.serialize();
    expect(stateOf('a=1', 'b=2')).toBe('a=1,b=2');
    expect(stateOf(`a=${'x'.repeat(600)}`)).toBeUndefined();
  });

  it('is found or not for any header, without an error, and what it gives fits into a header', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ maxLength: 700 }), (traceparent, tracestate) => {
        expect(spanOf('traceparent', traceparent)?.spanId ?? '0').toMatch(/^[0-9a-f]+$/);
        const state = spanOf('traceparent', VALID, 'tracestate', tracestate)?.traceState;
        expect(state?.serialize() ?? '').toMatch(/^[\x20-\x7e]{0,512}$/);
      }),
    );
  });
});

it('a context leads back to the headers that it came from', () => {
  const context = contexts.of({ traceparent: VALID, tracestate: 'a=1' });
  const span = sdk.api.trace.getSpan(context);
  if (span === undefined) throw new TypeError('no span');
  expect(contexts.toTrace(span)).toEqual({ traceparent: VALID, tracestate: 'a=1' });
});
