import { describe, expect, it } from 'vitest';
import { traceOf } from '../../src/event/trace.js';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('the span that a receipt names', () => {
  it('is what the headers of a message carry', () => {
    expect(traceOf({ traceparent, tracestate: 'a=1' })).toEqual({ traceparent, tracestate: 'a=1' });
    expect(traceOf({ source: 's', traceparent })).toEqual({ traceparent });
  });

  it.each([undefined, {}, { traceparent: 7 }, { traceparent: `${traceparent}\r\nx: y` }])(
    'is none in %j, which a transform may have written',
    (receipt) => {
      expect(traceOf(receipt)).toBeUndefined();
    },
  );

  it('has no tracestate that does not fit into a header', () => {
    for (const tracestate of ['', 'a=\n', 'é', 'a'.repeat(513), 7]) {
      expect(traceOf({ traceparent, tracestate })).toEqual({ traceparent });
    }
  });
});
