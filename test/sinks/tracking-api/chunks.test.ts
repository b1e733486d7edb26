import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunk } from '../../../src/sinks/tracking-api/chunks.js';

const message = (json: string) => ({ json, bytes: Buffer.byteLength(json) });

describe('requests within a vendor’s limits', () => {
  it('hold every message once, in order, and never more than either limit', () => {
    const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 60 });
    const limits = fc.record({
      bytes: fc.integer({ min: 400, max: 900 }),
      events: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(texts, limits, (all, limit) => {
        const envelope = '{"batch":[],"writeKey":"é"}';
        const messages = all.map((text) => message(JSON.stringify({ text })));
        const runs = chunk(messages, limit, Buffer.byteLength(envelope));
        expect(runs.flat()).toEqual(messages);
        for (const run of runs) {
          expect(run.length).toBeGreaterThan(0);
          expect(run.length).toBeLessThanOrEqual(limit.events);
          const body = envelope.replace('[]', () => `[${run.map(({ json }) => json).join(',')}]`);
          expect(Buffer.byteLength(body)).toBeLessThanOrEqual(limit.bytes);
        }
        // As few as their order allows: no run has room for the first of the next one.
        for (const [index, run] of runs.slice(0, -1).entries()) {
          const next = runs[index + 1]?.[0]?.bytes ?? 0;
          const taken = run.reduce((sum, { bytes }) => sum + bytes + 1, 0);
          const full = Buffer.byteLength(envelope) + taken + next > limit.bytes;
          expect(full || run.length === limit.events).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('use a limit up to its last byte', () => {
    const two = [message('{"a":1}'), message('{"b":2}')];
    expect(chunk(two, { bytes: 10 + 15, events: 9 }, 10)).toHaveLength(1);
    expect(chunk(two, { bytes: 10 + 14, events: 9 }, 10)).toHaveLength(2);
  });
});
