import { rm } from 'node:fs/promises';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { vendorServer, WRITE_KEY } from '../sinks/tracking-api/setup.js';
import {
  eventually,
  makeDirectory,
  type Receiver,
  readEvents,
  runCommand,
  startReceiver,
} from '../support/receiver.js';
import { trackText } from '../support/sender.js';

const OPEN = { type: 'segment', path: '/in', verify: { scheme: 'none' } };
const QUICK = { batch: { wait: '1ms' }, retry: { initial: '20ms', max: '50ms' } };

let cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

async function start(config: object): Promise<Receiver> {
  const directory = await makeDirectory();
  cleanups.push(() => rm(directory, { recursive: true }));
  const receiver = await startReceiver({ directory, config });
  cleanups.push(() => receiver.end());
  return receiver;
}

const inFile = ({ directory }: Receiver): Promise<Record<string, unknown>[]> =>
  readEvents(join(directory, 'data/events.ndjson'));

async function deliver({ url }: Receiver, body: string): Promise<void> {
  const answer = await fetch(`${url}/in`, { method: 'POST', body });
  expect(answer.status).toBe(200);
}

/** A metric's value over all its labels. */
async function counted({ adminUrl }: Receiver, metric: string): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  const lines = text.matchAll(new RegExp(`^${metric}(?:\\{.*\\})? (\\d+)$`, 'gm'));
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}

/** An address for a receiver that does not run yet: in a ring each has to know the other's before both have one. */
async function relay(): Promise<{ readonly url: string; to: string }> {
  const hop = { url: '', to: '' };
  const server: Server = createServer((request, response) => {
    const { headers, method, url } = request;
    const onward = httpRequest(`${hop.to}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.close();
    server.closeAllConnections();
  });
  hop.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return hop;
}

describe('a ring of two receivers', () => {
  const configOf = (dialect: string, sink: object): object => ({
    server: { port: 0 },
    admin: { port: 0 },
    outbox: { path: './data/outbox.db' },
    sources: {
      open: OPEN,
      ring: { type: 'tracking-api', dialect, writeKeys: { [WRITE_KEY]: 'ring' } },
    },
    sinks: {
      archive: { type: 'file', path: './data/events.ndjson' },
      onward: { ...sink, ...QUICK },
    },
  });

  it('comes to rest with every event in each of them once, at the time it happened', async () => {
    const toSecond = await relay();
    const first = await start(
      configOf('rudderstack', { type: 'segment', writeKey: WRITE_KEY, endpoint: toSecond.url }),
    );
    const second = await start(
      configOf('segment', { type: 'rudderstack', writeKey: WRITE_KEY, endpoint: first.url }),
    );
    toSecond.to = second.url;
    const timestamp = '2026-01-02T03:04:05.678Z';
    await deliver(first, trackText('m-first', { userId: 'u', timestamp }));
    await deliver(second, trackText('m-second', { userId: 'u', timestamp }));

    for (const receiver of [first, second]) {
      await eventually(
        () => counted(receiver, 'trackbridge_loops_total'),
        (count) => count > 0,
      );
    }
    for (const receiver of [first, second]) {
      await eventually(
        () => counted(receiver, 'trackbridge_pending_events'),
        (n) => n === 0,
      );
      expect(await counted(receiver, 'trackbridge_loops_total')).toBe(1);
      const events = await inFile(receiver);
      expect(events.map(({ messageId }) => messageId).sort()).toEqual(['m-first', 'm-second']);
      for (const event of events) {
        // Segment’s rule adds the time under way; a second correction would add months.
        const shift = Date.parse(String(event['timestamp'])) - Date.parse(timestamp);
        expect(shift).toBeGreaterThanOrEqual(0);
        expect(shift).toBeLessThan(60_000);
      }
    }
    const [own] = (await inFile(first)).filter(({ messageId }) => messageId === 'm-first');
    const [other] = (await inFile(second)).filter(({ messageId }) => messageId === 'm-first');
    expect(own?.['context']).not.toHaveProperty('trackbridge');
    expect(Object(other?.['context']).trackbridge.hops).toEqual([expect.stringMatching(/.{8,}/)]);
  });
});

describe('a batch that a vendor refuses for one of its events', () => {
  it.each(['segment', 'rudderstack'] as const)(
    'makes only that a dead letter: %s',
    async (type) => {
      const vendor = await vendorServer(type);
      cleanups.push(() => vendor.target.close());
      const usual = vendor.target.answer;
      vendor.target.answer = (request, response) => {
        if (request.body.includes('poison')) response.writeHead(400).end('the reason');
        else usual(request, response);
      };
      const receiver = await start({
        server: { port: 0 },
        admin: { port: 0 },
        sources: { open: OPEN },
        sinks: {
          far: {
            ...{ type, writeKey: WRITE_KEY, endpoint: vendor.url, retry: QUICK.retry },
            ...{ lanes: 1, batch: { size: 50, wait: '500ms' } },
          },
        },
      });
      const ids = Array.from({ length: 40 }, (_, index) =>
        index === 17 ? 'poison' : `m-${index}`,
      );
      const events = ids.map((id) => trackText(id, { userId: 'u' }));
      await deliver(receiver, `[${events.join(',')}]`);
      const good = ids.filter((id) => id !== 'poison');
      await eventually(
        () => vendor.kept.length,
        (count) => count >= good.length,
      );
      expect(vendor.kept.map(({ messageId }) => messageId)).toEqual(good);
      const list = ['dead-letters', 'list', '--admin', receiver.adminUrl, '--json', '--payload'];
      const { stdout } = await eventually(
        () => runCommand(list),
        (run) => run.stdout.includes('poison'),
      );
      expect(JSON.parse(stdout)).toHaveLength(1);
      expect(JSON.parse(stdout)).toMatchObject([
        { error: expect.stringMatching(/answered 400 Bad Request$/), farSide: 'the reason' },
      ]);
    },
  );
});
