import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.js';
import { examine, type Finding } from '../../../src/workbench/doctor/examine.js';
import type { Probe, Vendor } from '../../../src/workbench/doctor/probe.js';
import { rudderstackProbes } from '../../../src/workbench/doctor/rudderstack-probes.js';
import { segmentProbes } from '../../../src/workbench/doctor/segment-probes.js';
import {
  answer,
  type BadReceiver,
  type Behaviour,
  isSigned,
  reserialized,
  startBadReceiver,
} from './bad-receivers.js';

const SECRET = 'correct-horse-battery';
const INPUT = {
  secret: SECRET,
  header: 'x-signature',
  run: 'r',
  timestamp: '2026-01-02T03:04:05.678Z',
};
let receiver: BadReceiver | undefined;
afterEach(async () => {
  await receiver?.close();
  receiver = undefined;
});

const PROBES: Readonly<Record<Vendor, readonly Probe[]>> = {
  segment: segmentProbes(INPUT),
  rudderstack: rudderstackProbes(INPUT),
};
/** What is found, by the id of the probe. */
async function findings(
  behave: Behaviour,
  vendor: Vendor = 'segment',
  keep: (probe: Probe) => boolean = () => true,
): Promise<Readonly<Record<string, Finding>>> {
  receiver = await startBadReceiver(behave);
  const found: Record<string, Finding> = {};
  const probes = PROBES[vendor].filter(keep);
  for await (const each of examine(receiver.url, probes, vendor, systemClock))
    found[each.id] = each;
  return found;
}
const gradesOf = (found: Readonly<Record<string, Finding>>) =>
  Object.fromEntries(Object.entries(found).map(([id, { grade }]) => [id, grade]));

describe('examine', () => {
  it('finds a receiver that checks a body parsed and written again', async () => {
    const found = await findings((request, body, response) => {
      answer(response, isSigned(request, reserialized(body), SECRET) ? 200 : 401);
    });
    expect(gradesOf(found)).toMatchObject({ single: 'ok', delicate: 'lost', unsigned: 'ok' });
    expect(found['delicate']?.why).toMatch(/drops it and does not retry.*raw bytes/);
  });

  it('finds a receiver that does not know the rule for batches', async () => {
    const found = await findings((request, body, response) => {
      answer(response, isSigned(request, body, SECRET) ? 200 : 401);
    });
    expect(gradesOf(found)).toMatchObject({
      single: 'ok',
      delicate: 'ok',
      slow: 'ok',
      duplicate: 'ok',
      batch: 'lost',
      'batch-of-one': 'lost',
      'large-batch': 'skipped',
      extensible: 'warning',
    });
    expect(found['batch']?.why).toContain('first element');
  });

  it('finds a wrong path, a redirect, and a failure that is retried for ever', async () => {
    const not = await findings((_, __, response) => answer(response, 404));
    expect(not['single']).toMatchObject({ grade: 'lost', answer: '404' });
    // What follows from a refusal of the first says nothing of its own.
    expect(not['slow']?.why).toBe('Segment drops it and does not retry.');
    await receiver?.close();
    const elsewhere = await findings((_, __, response) => {
      response.writeHead(301, { location: 'https://example.com/login?token=hidden' }).end();
    });
    expect(elsewhere['single']?.grade).toBe('lost');
    expect(elsewhere['single']?.why).toMatch(
      /GET without the body.*https:\/\/example\.com\/login\)/,
    );
    await receiver?.close();
    const broken = await findings((_, __, response) => answer(response, 500));
    expect(gradesOf(broken)).toMatchObject({
      single: 'lost',
      malformed: 'warning',
      unsigned: 'warning',
    });
    expect(broken['single']?.why).toContain('four hours');
  });

  it('finds a body limit of 1 MB', async () => {
    const found = await findings((_, body, response) =>
      answer(response, body.length > 1e6 ? 413 : 200),
    );
    expect(gradesOf(found)).toMatchObject({ batch: 'ok', 'large-batch': 'lost' });
    expect(found['large-batch']?.why).toContain('body limit');
  });

  it('finds a receiver that takes what nobody signed', async () => {
    const found = await findings((_, __, response) => answer(response, 200));
    expect(gradesOf(found)).toMatchObject({
      single: 'ok',
      unsigned: 'unsafe',
      'wrong-secret': 'unsafe',
      altered: 'unsafe',
      malformed: 'warning',
    });
  });

  it('finds an answer of 200 whose body says no', async () => {
    const found = await findings((_, __, response) => answer(response, 200, '{"success":false}'));
    expect(gradesOf(found)).toMatchObject({ single: 'lost', unsigned: 'warning' });
  });

  it('finds that a duplicate is refused', async () => {
    const seen = new Set<string>();
    const found = await findings((_, body, response) => {
      answer(response, seen.has(body.toString()) ? 409 : 200);
      seen.add(body.toString());
    });
    expect(found['duplicate']?.grade).toBe('warning');
  });

  it('finds an answer that comes after the sender has hung up', async () => {
    const slow: Behaviour = (_, __, response) => {
      setTimeout(() => answer(response, 200), 5_200);
    };
    const single = (probe: Probe): boolean => probe.id === 'single';
    expect((await findings(slow, 'segment', single))['single']?.grade).toBe('lost');
    await receiver?.close();
    expect((await findings(slow, 'rudderstack', single))['single']?.grade).toBe('warning');
  }, 20_000);

  it('finds RudderStack’s 298, and a query that is too long', async () => {
    const filtered = await findings((_, __, response) => answer(response, 298), 'rudderstack');
    expect(filtered['single']?.why).toContain('filtered');
    await receiver?.close();
    const short = await findings((request, _, response) => {
      answer(response, (request.url ?? '').length > 8_000 ? 414 : 200);
    }, 'rudderstack');
    expect(gradesOf(short)).toMatchObject({ get: 'ok', 'long-get': 'lost' });
    await receiver?.close();
    const noGet = await findings((request, _, response) => {
      answer(response, request.method === 'POST' ? 200 : 405);
    }, 'rudderstack');
    expect(gradesOf(noGet)).toMatchObject({ single: 'ok', get: 'warning', 'long-get': 'skipped' });
  });

  it('finds a receiver that knows only its own path', async () => {
    const found = await findings((request, _, response) => {
      answer(response, (request.url ?? '').replace(/\?.*/, '') === '/hook' ? 200 : 404);
    }, 'rudderstack');
    expect(gradesOf(found)).toMatchObject({
      single: 'ok',
      'append-path': 'lost',
      'path-params': 'lost',
      get: 'ok',
    });
    expect(found['append-path']?.why).toMatch(
      /^RudderStack drops it and does not retry\. .*appendPath/,
    );
  });

  it('sends to a path below the URL, and to nothing else', async () => {
    const urls: (string | undefined)[] = [];
    await findings(
      (request, _, response) => {
        urls.push(request.url);
        answer(response, 200);
      },
      'rudderstack',
      ({ id }) => ['single', 'append-path', 'path-params'].includes(id),
    );
    expect(urls).toEqual([
      '/hook',
      '/hook/trackbridge/doctor',
      '/hook/ann%40example.com/%2B49%2030%2F1',
    ]);
  });

  it('skips the rest where nobody listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    await new Promise((resolve) => server.close(resolve));
    const url = new URL(`http://127.0.0.1:${port}/`);
    const grades: string[] = [];
    for await (const { grade } of examine(url, PROBES.segment, 'segment', systemClock)) {
      grades.push(grade);
    }
    expect(grades[0]).toBe('lost');
    expect(new Set(grades.slice(1))).toEqual(new Set(['skipped']));
  });
});
