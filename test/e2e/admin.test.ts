import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Receiver, runCommand, startReceiver } from '../support/receiver.js';
import { trackText } from '../support/sender.js';

const TOKEN = 'the-token-of-the-admin';
let receiver: Receiver;
let sink: Server;
/** What the sink answers; the events it took. */
let answer = 400;
const taken: string[] = [];

beforeAll(async () => {
  sink = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      if (answer === 200) taken.push((JSON.parse(body) as { messageId: string }).messageId);
      response.writeHead(answer).end('the reason');
    });
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  receiver = await startReceiver({
    config: {
      server: { port: 0 },
      admin: { port: 0, token: TOKEN },
      sources: {
        open: { type: 'segment', path: '/in', verify: { scheme: 'none' }, extraTypes: ['merge'] },
      },
      sinks: {
        far: {
          type: 'http',
          url: `http://127.0.0.1:${(sink.address() as AddressInfo).port}/hook`,
          allowPrivateAddresses: true,
        },
      },
    },
  });
});
afterAll(async () => {
  expect(await receiver.end()).toBe(0);
  sink.close();
});

const deliver = (body: string): Promise<Response> =>
  fetch(`${receiver.url}/in`, { method: 'POST', body });
const command = (...args: string[]) =>
  runCommand([...args, '--admin', receiver.adminUrl, '--token', TOKEN]);
const json = async <T>(...args: string[]): Promise<T> => {
  const { code, stdout, stderr } = await command(...args, '--json');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout) as T;
};
const admin = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(receiver.adminUrl + path, {
    ...init,
    headers: { authorization: `Bearer ${TOKEN}`, ...init.headers },
  });

describe('the admin listener', () => {
  it('asks for its token, but not for health', async () => {
    for (const path of ['/metrics', '/api/stats', '/asyncapi.yaml']) {
      expect((await fetch(receiver.adminUrl + path)).status).toBe(401);
    }
    const wrong = { authorization: 'Bearer not-the-token-of-the-admin' };
    expect((await fetch(`${receiver.adminUrl}/api/stats`, { headers: wrong })).status).toBe(401);
    expect((await fetch(`${receiver.adminUrl}/livez`)).status).toBe(200);
    expect((await fetch(`${receiver.adminUrl}/readyz`)).status).toBe(200);
  });

  it('serves the AsyncAPI document and the schemas it refers to', async () => {
    const text = await (await admin('/asyncapi.yaml')).text();
    expect(text).toMatch(/^asyncapi: 3\.0\.0/);
    const reference = /\$ref: ["']?\.?\/?(events\/[a-z.]+json)/.exec(text)?.[1];
    expect((await admin(`/${reference}`)).status).toBe(200);
    expect((await admin('/config.schema.json')).status).toBe(404);
    expect((await admin('/..%2fpackage.json')).status).toBe(404);
  });

  it('refuses a body that a page of another site could send', async () => {
    const form = {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '{"all":true}',
    };
    expect((await admin('/api/dead-letters/purge', form)).status).toBe(400);
  });
});

describe('dead letters', () => {
  it('are listed without payload, shown whole, replayed, purged', async () => {
    answer = 400;
    for (const id of ['dead-1', 'dead-2', 'dead-3']) await deliver(trackText(id));
    type Listed = { id: string; messageId: string; event?: object; error: string };
    const listed = await eventually(
      () => json<Listed[]>('dead-letters', 'list'),
      (all) => all.length === 3,
      25_000,
    );
    expect(listed.map(({ messageId }) => messageId).sort()).toEqual(['dead-1', 'dead-2', 'dead-3']);
    expect(listed[0]?.error).toContain('400');
    expect(listed[0]).not.toHaveProperty('event');

    const [first, second] = listed;
    const shown = await json<{ event: { type: string }; attempts: object[] }>(
      'dead-letters',
      'show',
      String(first?.id),
    );
    expect(shown).toMatchObject({
      event: { type: 'track' },
      attempts: [{ error: expect.stringContaining('400') }],
    });

    answer = 200;
    expect(await json('dead-letters', 'replay', String(first?.id))).toMatchObject({ replayed: 1 });
    await eventually(
      () => taken,
      (ids) => ids.includes(String(first?.messageId)),
    );
    expect(await json('dead-letters', 'purge', String(second?.id))).toEqual({ purged: 1 });
    expect(await json('dead-letters', 'replay', '--all', '--sink', 'far')).toMatchObject({
      replayed: 1,
    });
    await eventually(
      () => taken,
      (ids) => ids.length === 2,
    );
    expect(await json('dead-letters', 'list')).toEqual([]);
  });

  it('that do not exist are a failure that says so', async () => {
    const { code, stderr } = await command('dead-letters', 'show', '999999');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^trackbridge: .*no entry.*\n$/);
    expect((await command('dead-letters', 'replay')).code).toBe(2);
  });
});

describe('quarantine', () => {
  it('is listed with the reason, shown, replayed when the event has become valid, purged', async () => {
    answer = 200;
    await deliver('{"type":"purchase","messageId":"q-1","writeKey":"a-write-key"}');
    await deliver('{"type":"track","event":"E","properties":"none","messageId":"q-2"}');
    type Entry = { id: string; reason: string; errors: { path: string }[] };
    const listed = await json<Entry[]>('quarantine', 'list');
    expect(listed.map(({ reason, errors }) => [reason, errors[0]?.path])).toEqual([
      ['invalid', '/type'],
      ['invalid', '/properties'],
    ]);
    const shown = await command('quarantine', 'show', String(listed[0]?.id));
    expect(shown.stdout).toContain('"q-1"');
    expect(shown.stdout).not.toContain('a-write-key');

    const still = await command('quarantine', 'replay', '--all');
    expect(still.code).toBe(1);
    expect(still.stderr).toContain('still not valid');
    expect(await json('quarantine', 'purge', '--all', '--source', 'open')).toEqual({ purged: 2 });
    expect(await json('quarantine', 'list')).toEqual([]);
  });
});

describe('stats and metrics', () => {
  it('count deliveries, events, attempts and backlog', async () => {
    answer = 200;
    await deliver(trackText('stats-1'));
    await deliver(trackText('stats-1'));
    type Stats = {
      accepted: number;
      duplicates: number;
      pending: number;
      sinks: { name: string; delivered: number }[];
    };
    const stats = await eventually(
      () => json<Stats>('stats'),
      (now) => now.pending === 0,
      25_000,
    );
    expect(stats.duplicates).toBe(1);
    expect(stats.sinks).toMatchObject([
      { name: 'far', state: 'running', pending: 0, oldestAgeMs: 0 },
    ]);
    const text = await (await admin('/metrics')).text();
    expect(text).toMatch(/trackbridge_deliveries_total\{source="open",outcome="accepted"\} \d+/);
    expect(text).toMatch(/trackbridge_duplicates_total\{source="open"\} 1\n/);
    expect(text).toMatch(/trackbridge_sink_pending_events\{sink="far"\} 0\n/);
    expect(text).toMatch(
      /trackbridge_sink_events_attempted_total\{sink="far",outcome="delivered"\} \d+/,
    );
    expect(text).toMatch(/trackbridge_append_seconds_count [1-9]/);
  });

  it('a receiver that is not there is a failure in one line', async () => {
    const { code, stderr } = await runCommand(['stats', '--admin', 'http://127.0.0.1:1']);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
