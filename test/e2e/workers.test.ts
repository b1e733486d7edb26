import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTrackbridge } from '../../src/trackbridge.js';
import { rawConnection } from '../http/sockets.js';
import {
  eventually,
  makeDirectory,
  type Receiver,
  readEvents,
  startReceiver,
} from '../support/receiver.js';
import { trackText } from '../support/sender.js';
import { workersOf } from '../support/workers.js';

const WORKERS = 2;

const CONFIG = {
  server: { port: 0, workers: WORKERS },
  admin: { port: 0, record: {} },
  sources: {
    in: { type: 'segment', path: '/in', verify: { scheme: 'none' } },
    slow: {
      type: 'segment',
      path: '/slow',
      verify: { scheme: 'none' },
      rateLimit: { perSecond: 0.001, burst: 3 },
    },
    sure: { type: 'segment', path: '/sure', verify: { scheme: 'none' }, ack: 'delivered' },
    signed: {
      type: 'segment',
      path: '/signed',
      verify: { scheme: 'shared-secret', secrets: ['a-secret-of-the-workers'] },
    },
  },
  sinks: { archive: { type: 'file', path: './events.ndjson' } },
};

/** Sends a delivery on a connection of its own, so that the workers take turns. Resolves to the status. */
function post(url: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent: false }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode ?? 0));
    });
    sent.once('error', reject).end(body);
  });
}

const runs = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a receiver with two workers', () => {
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver({ config: CONFIG, env: { LOG_LEVEL: 'debug' } });
  });
  afterAll(async () => {
    await receiver.end('SIGKILL');
  });
  const admin = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${receiver.adminUrl}${path}`);
    return (await response.json()) as T;
  };

  it('accepts each event once, whichever worker receives it', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `m${index % 6}`);
    for (const id of ids) expect(await post(`${receiver.url}/in`, trackText(id))).toBe(200);
    const events = await eventually(
      () => readEvents(join(receiver.directory, 'events.ndjson')),
      ({ length }) => length >= 6,
    );
    expect(events.map(({ messageId }) => messageId)).toEqual(ids.slice(0, 6));
    const lines = await eventually(receiver.stderr, (text) =>
      [1, 2].every((worker) => text.includes(`"worker":${worker},`)),
    );
    expect(lines).toContain('delivery accepted');
  });

  it('counts, records and reports deliveries of both workers in one place', async () => {
    const metrics = await eventually(
      async () => await (await fetch(`${receiver.adminUrl}/metrics`)).text(),
      (text) => text.includes('trackbridge_deliveries_total{source="in",outcome="accepted"} 12'),
    );
    expect(metrics).toContain('trackbridge_events_total{source="in"} 6');
    expect(metrics).toContain('trackbridge_duplicates_total{source="in"} 6');
    expect(metrics).toContain('trackbridge_answer_seconds_count{source="in"} 12');
    expect(metrics).toContain('trackbridge_append_seconds_count 12');
    const deliveries = await eventually(
      () => admin<{ id: string; accepted: number; sinks: object[] }[]>('/api/deliveries'),
      (found) => JSON.stringify(found).split('"delivered":1').length > 6,
    );
    expect(deliveries).toHaveLength(12);
    const shown = await admin<{ body: string }>(`/api/deliveries/${deliveries[0]?.id}`);
    expect(JSON.stringify(shown)).toContain('m5');
  });

  it('quarantines an invalid event and answers with the reason', async () => {
    const { url } = receiver;
    expect(await post(`${url}/in`, '{"type":"track"}')).toBe(200);
    expect(await post(`${url}/in`, '{"type":5}')).toBe(422);
    expect(await post(`${url}/in`, '{"type":5}')).toBe(422);
    const entries = await admin<{ reason: string }[]>('/api/quarantine');
    expect(entries.map(({ reason }) => reason)).toEqual(['invalid', 'invalid']);
  });

  it('applies rateLimit to all workers together', async () => {
    const statuses: number[] = [];
    for (let at = 0; at < 6; at++) {
      statuses.push(await post(`${receiver.url}/slow`, trackText(`slow-${at}`)));
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429, 429]);
  });

  it('waits for the sinks if a source acknowledges what is delivered', async () => {
    expect(await post(`${receiver.url}/sure`, trackText('sure'))).toBe(200);
    const events = await readEvents(join(receiver.directory, 'events.ndjson'));
    expect(events.map(({ messageId }) => messageId)).toContain('sure');
  });

  it('reports the authentication of a source over all workers', async () => {
    for (let at = 0; at < 6; at++) {
      expect(await post(`${receiver.url}/signed`, trackText(`unsigned-${at}`))).toBe(401);
    }
    const { sources } = await eventually(
      () => admin<{ sources: { name: string; refused: number }[] }>('/api/stats'),
      (stats) => JSON.stringify(stats).includes('"refused":6'),
    );
    expect(sources).toContainEqual({ name: 'signed', authentication: 'unproven', refused: 6 });
    expect(receiver.stderr()).toContain('SECRET_UNPROVEN');
  });

  it('answers health probes in every worker', async () => {
    for (const path of ['livez', 'readyz', 'livez', 'readyz']) {
      const answer = await fetch(`${receiver.url}/${path}`, { headers: { connection: 'close' } });
      expect(answer.status).toBe(200);
    }
  });

  it('ignores a signal that reaches the workers, and replaces one that is killed', async () => {
    const [first = 0, second = 0] = await workersOf(receiver);
    process.kill(first, 'SIGTERM');
    process.kill(second, 'SIGINT');
    expect(await post(`${receiver.url}/in`, trackText('after-signals'))).toBe(200);
    process.kill(second, 'SIGKILL');
    await eventually(receiver.stderr, (text) => text.includes('was killed (SIGKILL)'));
    const workers = await eventually(
      () => workersOf(receiver),
      (pids) => pids.length === WORKERS && !pids.includes(second),
    );
    expect(workers).toContain(first);
    await eventually(receiver.stderr, (text) => text.includes('is listening again'));
    await eventually(
      () => post(`${receiver.url}/in`, trackText('after-kill')).catch(() => 0),
      (status) => status === 200,
    );
  });

  it('answers what is in flight when SIGTERM comes, refuses the rest, and exits with 0', async () => {
    const port = Number(new URL(receiver.url).port);
    const slow = await Promise.all([rawConnection(port), rawConnection(port)]);
    const bodies = ['late-0', 'late-1'].map((id) => trackText(id));
    for (const [at, connection] of slow.entries()) {
      const { length } = bodies[at] ?? '';
      connection.write(`POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n{`);
    }
    // They come on connections before these, so both workers have seen them.
    for (let at = 0; at < 2 * WORKERS; at++) {
      await fetch(`${receiver.url}/livez`, { headers: { connection: 'close' } });
    }
    const workers = await workersOf(receiver);
    const ended = receiver.end();
    await eventually(receiver.stderr, (text) => text.includes('draining'));
    await eventually(
      () => post(`${receiver.url}/in`, trackText('too-late')),
      (status) => status === 503,
    );
    for (const [at, connection] of slow.entries()) connection.write(bodies[at]?.slice(1) ?? '');
    for (const connection of slow) expect(await connection.closed()).toMatch(/^HTTP\/1.1 200 /);
    expect(await ended, receiver.stderr().slice(-2_000)).toBe(0);
    const events = await readEvents(join(receiver.directory, 'events.ndjson'));
    const ids = events.map(({ messageId }) => messageId);
    expect(ids).toEqual(expect.arrayContaining(['late-0', 'late-1']));
    expect(workers.some(runs)).toBe(false);
  });
});

/** Loaded into every process of the receiver: throws in the first worker, once there is a file `armed`. */
const FAULT = `
import cluster from 'node:cluster';
import { existsSync } from 'node:fs';
if (cluster.worker?.id === 1) {
  const looking = setInterval(() => {
    if (!existsSync('armed')) return;
    clearInterval(looking);
    throw new Error('thrown by a timer');
  }, 5).unref();
}
`;

it('replaces a worker with an uncaught error, which first answers what it has begun', async () => {
  const directory = await makeDirectory();
  const fault = join(directory, 'fault.mjs');
  await writeFile(fault, FAULT);
  const env = { NODE_OPTIONS: `--import ${fault}` };
  const receiver = await startReceiver({ config: CONFIG, directory, env });
  try {
    const port = Number(new URL(receiver.url).port);
    const body = trackText('begun');
    const begun = await Promise.all([rawConnection(port), rawConnection(port)]);
    for (const connection of begun) {
      connection.write(`POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n{`);
    }
    for (let at = 0; at < 2 * WORKERS; at++) {
      await fetch(`${receiver.url}/livez`, { headers: { connection: 'close' } });
    }
    await writeFile(join(directory, 'armed'), '');
    await eventually(receiver.stderr, (text) => text.includes('thrown by a timer'));
    for (const connection of begun) connection.write(body.slice(1));
    // A busy machine may take longer than the budget; then the answer is 503.
    // The other worker keeps its connection open.
    await Promise.all(begun.map((connection) => connection.until('\r\n\r\n')));
    const answers = begun.map((connection) => connection.text());
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 (200|503) /);
    await eventually(receiver.stderr, (text) => text.includes('worker 1 is listening again'));
    expect(receiver.stderr()).toContain('worker 1 had an uncaught error; another starts now');
    for (let at = 0; at < 2 * WORKERS; at++) {
      expect(await post(`${receiver.url}/in`, trackText(`after-${at}`))).toBe(200);
    }
    expect(await receiver.end()).toBe(0);
    const events = await readEvents(join(directory, 'events.ndjson'));
    const isAccepted = answers.some((answer) => answer.startsWith('HTTP/1.1 200 '));
    expect(events.some(({ messageId }) => messageId === 'begun')).toBe(isAccepted);
  } finally {
    await receiver.end('SIGKILL');
  }
});

it('ends the workers of a primary that is killed', async () => {
  const receiver = await startReceiver({ config: CONFIG });
  const workers = await workersOf(receiver);
  expect(workers).toHaveLength(WORKERS);
  await receiver.end('SIGKILL');
  await eventually(
    () => workers.filter(runs),
    ({ length }) => length === 0,
  );
});

it('is rejected as a configuration of the library', () => {
  expect(() => createTrackbridge({ server: { workers: 2 } })).toThrow(/server.workers is 2/);
});
