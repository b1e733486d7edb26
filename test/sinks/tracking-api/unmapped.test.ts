import { describe, expect, it } from 'vitest';
import { createRudderstackSink } from '../../../src/sinks/tracking-api/rudderstack.js';
import { createUnmappedReport, MOST_NAMES } from '../../../src/sinks/tracking-api/unmapped.js';
import { sinkContext, sinkEvent } from '../events.js';
import { never, using, vendorServer, WRITE_KEY } from './setup.js';

function report() {
  const lines: object[] = [];
  const counts: number[] = [];
  const names = createUnmappedReport('RudderStack', {
    log: { ...sinkContext().log, warn: (fields) => void lines.push(fields) },
    metrics: { unmappedIntegrations: (count) => counts.push(count), unplacedValues: () => {} },
  });
  return { lines, counts, names };
}

describe('a report of names in integrations without a counterpart', () => {
  it('counts from 0 on, so that the first of them is an increase', () => {
    expect(report().counts).toEqual([0]);
  });

  it('counts every name and logs each once', () => {
    const { lines, counts, names } = report();
    names(['A', 'B']);
    names(['A']);
    names([]);
    expect(counts).toEqual([0, 2, 1]);
    expect(lines).toEqual([{ integration: 'A' }, { integration: 'B' }]);
  });

  it('logs a bounded number of names, says so, and goes on counting', () => {
    const { lines, counts, names } = report();
    names(Array.from({ length: MOST_NAMES + 1 }, (_, at) => `n-${at}`));
    names(['another']);
    expect(lines).toHaveLength(MOST_NAMES + 1);
    expect(lines.at(-1)).toEqual({ names: MOST_NAMES });
    expect(counts).toEqual([0, MOST_NAMES + 1, 1]);
  });

  it('cuts long names and escapes what would steer a terminal', () => {
    const { lines, names } = report();
    names([`\u001b[31m${'x'.repeat(10_000)}`]);
    expect(JSON.stringify(lines).length).toBeLessThan(200);
    expect(lines).toEqual([{ integration: expect.stringMatching(/^\\u001b\[31mx+…$/) }]);
  });
});

describe('a rudderstack sink', () => {
  it('counts unmapped names when the event arrives, not at attempts that fail', async () => {
    const server = await vendorServer('rudderstack');
    const counts: number[] = [];
    const sink = createRudderstackSink(
      { writeKey: WRITE_KEY, endpoint: server.url, gzip: false, loopGuard: true },
      {
        ...sinkContext(),
        metrics: { unmappedIntegrations: (names) => counts.push(names), unplacedValues: () => {} },
      },
    );
    const integrations = { Own: false, 'Actions Amplitude': false, Other: true };
    const events = [sinkEvent('a', { integrations }), sinkEvent('b', { integrations })];
    await using(sink, async () => {
      server.target.answer = (_request, response) => response.writeHead(503).end();
      await sink.deliver(events, never());
      expect(counts).toEqual([0]);
      server.behave();
      await sink.deliver(events, never());
    });
    await server.target.close();
    expect(counts).toEqual([0, 4]);
    expect(server.kept.map((message) => message['integrations'])).toEqual([
      { Own: false, Amplitude: false },
      { Own: false, Amplitude: false },
    ]);
  });
});
