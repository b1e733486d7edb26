import { expect, it } from 'vitest';
import { openSource } from './harness.js';
import { type Served, serve } from './serve.js';

async function send({ ask }: Served, path: string, event: object): Promise<void> {
  const body = JSON.stringify({ type: 'track', event: 'E', userId: 'u', ...event });
  expect((await ask(path, { method: 'POST', body })).status).toBe(200);
}

async function counted({ metrics }: Served): Promise<string[]> {
  const text = await metrics.render({ pending: 0, inQuarantine: 0, sinks: [] });
  return text
    .split('\n')
    .filter((line) => line.startsWith('trackbridge_unreadable_timestamps_total{'))
    .filter((line) => !line.endsWith(' 0'));
}

it('a timestamp that cannot be read is kept, counted, and warned of once for each field of a source', async () => {
  const served = await serve([openSource({ path: '/a' }, 'a'), openSource({ path: '/b' }, 'b')]);
  await send(served, '/a', { timestamp: 'not a time' });
  await send(served, '/a', { timestamp: '25:61', sentAt: 7 });
  await send(served, '/a', { timestamp: '2026-01-02T03:04:05Z' });
  await send(served, '/b', { timestamp: '2023-02-30' });
  expect(served.store.events.map(({ receipt }) => receipt)).toMatchObject([
    { unreadable: { timestamp: 'not a time' } },
    { unreadable: { timestamp: '25:61', sentAt: '7' } },
    {},
    { unreadable: { timestamp: '2023-02-30' } },
  ]);
  const warnings = served.lines().filter(({ code }) => code === 'TIMESTAMP_UNREADABLE');
  expect(warnings.map(({ level, source, field }) => [level, source, field])).toEqual([
    ['warn', 'a', 'timestamp'],
    ['warn', 'a', 'sentAt'],
    ['warn', 'b', 'timestamp'],
  ]);
  // What was sent may be anything.
  expect(JSON.stringify(warnings)).not.toMatch(/not a time|25:61/);
  expect(await counted(served)).toEqual([
    'trackbridge_unreadable_timestamps_total{source="a",field="timestamp"} 2',
    'trackbridge_unreadable_timestamps_total{source="a",field="sentAt"} 1',
    'trackbridge_unreadable_timestamps_total{source="b",field="timestamp"} 1',
  ]);
});
