import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeliveryRecord, DeliverySummary } from '../../src/workbench/inspect/record.js';
import { eventually, type Receiver, startReceiver } from '../support/receiver.js';
import { sign, trackText } from '../support/sender.js';

const run = promisify(execFile);
const SECRET = 'the-secret-of-segment-01';
const SHARED = 'the-secret-of-rudder-02';
const TOKEN = 'the-token-of-the-admin-03';

const CONFIG = {
  server: { port: 0 },
  admin: { port: 0, token: TOKEN, record: {}, redact: ['properties.card'] },
  sources: {
    segment: {
      type: 'segment',
      path: '/segment',
      verify: { scheme: 'segment-signature', secrets: [SECRET] },
    },
    rudderstack: {
      type: 'rudderstack',
      path: '/rudderstack',
      verify: { scheme: 'shared-secret', secrets: [SHARED] },
    },
  },
  sinks: {
    archive: { type: 'file', path: './data/events.ndjson' },
    pages: { type: 'file', path: './data/pages.ndjson', where: { types: ['page'] } },
    broken: {
      type: 'http',
      url: 'http://127.0.0.1:1/hook',
      allowPrivateAddresses: true,
      retry: { initial: '1s', max: '1s', giveUpAfter: '1h' },
    },
  },
};

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver({ config: CONFIG });
});
afterAll(async () => {
  await receiver.end('SIGKILL');
  await rm(receiver.directory, { recursive: true, force: true });
});

const api = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${receiver.adminUrl}/api/${path}`, {
    ...init,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
  });
const act = async <T>(id: string, action: string, body: object = {}): Promise<T> =>
  (await (await api(`deliveries/${id}/${action}`, post(body))).json()) as T;
const post = (body: object): RequestInit => ({ method: 'POST', body: JSON.stringify(body) });
const show = async (id: string): Promise<DeliveryRecord> =>
  (await (await api(`deliveries/${id}`)).json()) as DeliveryRecord;

async function deliver(path: string, body: string, headers: Record<string, string>) {
  const answer = await fetch(`${receiver.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return { status: answer.status, id: answer.headers.get('x-request-id') ?? '' };
}
const signed = (body: string) => deliver('/segment', body, { 'x-signature': sign(body, SECRET) });

describe('the inspector of a running receiver', { timeout: 60_000 }, () => {
  it('shows a delivery, what it became, and what every sink did with it', async () => {
    const body = trackText('shown', { properties: { card: '4111', total: 1.5 } });
    const { id, status } = await signed(body);
    expect(status).toBe(200);
    const record = await eventually(
      () => show(id),
      ({ attempts }) => new Set(attempts.map(({ sink }) => sink)).size === 3,
    );
    expect(record).toMatchObject({
      source: 'segment',
      outcome: 'accepted',
      verified: true,
      verifiedBy: 'segment-signature',
      signed: { part: 'body', from: 0, to: body.length, secret: 1 },
      count: 1,
      accepted: 1,
      first: { type: 'track', messageId: 'shown' },
      request: { bodyBytes: body.length, bodyRedacted: true },
      events: [{ outcome: 'accepted', authenticated: true, violations: [] }],
      sinks: [
        { sink: 'archive', delivered: 1 },
        { sink: 'pages', skipped: 1 },
        { sink: 'broken', failed: 1 },
      ],
    });
    const [event] = record.events;
    expect(event?.canonical).toMatchObject({ properties: { card: '[redacted]', total: 1.5 } });
    expect(JSON.stringify(record)).not.toContain('4111');
    const failed = record.attempts.find(({ sink }) => sink === 'broken');
    expect(failed).toMatchObject({ outcome: 'transient', eventIds: [event?.eventId] });
    expect(failed?.error).toBeTruthy();
  });

  it('shows what came to a path that no source has, and which ones have one', async () => {
    const headers = { 'x-signature': SHARED };
    const { id, status } = await deliver('/rudderstak?writeKey=key-1', trackText('lost'), headers);
    expect(status).toBe(404);
    const record = await show(id);
    expect(record).toMatchObject({ source: '', code: 'NOT_FOUND', verified: null, count: 0 });
    expect(record.path).toBe('/rudderstak?writeKey=[masked]');
    // It was meant for one of the sources, and their secrets are no less secret here.
    expect(record.request.headers).toContainEqual(['x-signature', '[masked]']);
    const explained = await act<{ sentences: string[] }>(id, 'explain');
    expect(explained.sentences.join(' ')).toContain(
      '/segment (segment), /rudderstack (rudderstack)',
    );
  });

  it('finds a wrong secret in one look', async () => {
    const body = trackText('wrong');
    const { id, status } = await deliver('/segment', body, {
      'x-signature': sign(`${body}\n`, SECRET),
    });
    expect(status).toBe(401);
    const list = (await (
      await api('deliveries?outcome=refused&limit=1')
    ).json()) as DeliverySummary[];
    expect(list).toMatchObject([{ id, status: 401, outcome: 'unauthenticated', verified: false }]);
    const explained = await act<{ verified: boolean; sentences: string[] }>(id, 'explain');
    expect(explained.verified).toBe(false);
    expect(explained.sentences.join(' ')).toContain('a line feed is added');
    expect(JSON.stringify(explained)).not.toContain(SECRET);
  });

  it('answers health while it explains', async () => {
    const body = trackText('slow');
    const { id } = await deliver('/segment', body, { 'x-signature': 'a'.repeat(40) });
    const explaining = act<{ sentences: string[] }>(id, 'explain');
    const busy = await act<{ status?: number }>(id, 'explain');
    expect((await fetch(`${receiver.url}/livez`)).status).toBe(200);
    const { sentences } = await explaining;
    // Whichever of the two came first is explained; the other is told to come again, unless it was done by then.
    const texts = JSON.stringify([busy, sentences]);
    expect(texts).toContain('none of the usual causes');
  });

  it('sends a delivery again, as it was and with new ids', async () => {
    const { id } = await signed(trackText('again'));
    const same = await act<{ status: number; id: string; body: string }>(id, 'send-again');
    expect([same.status, JSON.parse(same.body)]).toEqual([
      200,
      { status: 'accepted', accepted: 0, duplicates: 1, quarantined: 0 },
    ]);
    expect(await show(same.id)).toMatchObject({ duplicates: 1, verified: true });
    const fresh = await act<{ status: number; id: string }>(id, 'send-again', { newIds: true });
    const record = await show(fresh.id);
    expect(record).toMatchObject({ accepted: 1, verified: true, signed: { part: 'body' } });
    expect(record.first?.messageId).not.toBe('again');
  });

  it('does not sign anew what had not verified', async () => {
    const { id } = await deliver('/segment', trackText('forged'), {
      'x-signature': sign(trackText('forged'), 'the-secret-of-a-stranger'),
    });
    const { status } = await act<{ status: number }>(id, 'send-again', { newIds: true });
    expect(status).toBe(401);
  });

  it('sends a batch again, signed over its first element as Segment does', async () => {
    const [first, second] = [trackText('b1'), trackText('b2')];
    const { id } = await deliver('/segment', `[${first},${second}]`, {
      'x-signature': sign(first, SECRET),
    });
    const fresh = await act<{ id: string }>(id, 'send-again', { newIds: true });
    expect(await show(fresh.id)).toMatchObject({
      accepted: 2,
      signed: { part: 'first-element' },
      events: [{ authenticated: true }, { authenticated: false }],
    });
  });

  it('replays the events of a delivery to the sinks that are named', async () => {
    const { id } = await signed(trackText('replayed'));
    await eventually(
      () => show(id),
      ({ sinks }) => sinks[0]?.delivered === 1,
    );
    expect(await act(id, 'replay', { sinks: ['archive'] })).toEqual({ replayed: 1 });
    const { attempts } = await eventually(
      () => show(id),
      (record) =>
        record.attempts.filter(({ outcome, sink }) => sink === 'archive' && outcome === 'delivered')
          .length === 2,
    );
    const ids = attempts
      .filter(({ sink }) => sink === 'archive')
      .map(({ eventIds }) => eventIds[0]);
    expect(new Set(ids).size).toBe(2);
  });

  it('gives a curl command that a shell takes for exactly the delivery', async () => {
    const body = trackText('it\'s $HOME `x` \\ "q" é');
    const { id } = await deliver('/rudderstack/track/A%20b?x=[1]&writeKey=abc', body, {
      'x-signature': SHARED,
      'x-empty': '',
      'x-odd': 'a\'b"c',
    });
    const text = await (await api(`deliveries/${id}/curl`)).text();
    expect(text).toContain('# set X_SIGNATURE');
    const script = `curl() { printf '%s\\0' "$@"; }\nX_SIGNATURE=secret\nWRITE_KEY=key\n${text}`;
    const { stdout } = await run('sh', ['-c', script]);
    const args = stdout.split('\0');
    expect(args).toEqual(
      expect.arrayContaining([
        `${receiver.url}/rudderstack/track/A%20b?x=[1]&writeKey=key`,
        'x-signature: secret',
        'x-empty;',
        'x-odd: a\'b"c',
      ]),
    );
    expect(args[args.indexOf('--data-raw') + 1]).toBe(body);
  });

  it('tells who listens, and does not wait for one that does not read when it stops', async () => {
    const other = await startReceiver({ config: { ...CONFIG, admin: { port: 0 } } });
    try {
      const { hostname, port } = new URL(other.adminUrl);
      const streams = ['', '?record=true'].map((query) => {
        const socket = connect(Number(port), hostname);
        let text = '';
        socket.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        socket.on('error', () => undefined);
        socket.write(`GET /api/live${query} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
        return { socket, text: () => text };
      });
      for (const { text } of streams) await eventually(text, (so) => so.includes('event: hello'));
      const body = trackText('live');
      await fetch(`${other.url}/segment`, {
        method: 'POST',
        headers: { 'x-signature': sign(body, SECRET) },
        body,
      });
      const [first, second] = streams;
      await eventually(first?.text ?? String, (so) => so.includes('"messageId":"live"'));
      await eventually(second?.text ?? String, (so) => so.includes('event: attempt'));
      expect(first?.text()).not.toContain('"request"');
      expect(second?.text()).toContain('"request"');
      second?.socket.pause();
      const startedAt = performance.now();
      expect(await other.end()).toBe(0);
      // The budget is 4.5 s: that long it would have been waited for.
      expect(performance.now() - startedAt).toBeLessThan(4_000);
      for (const { socket } of streams) socket.destroy();
    } finally {
      await other.end('SIGKILL');
      await rm(other.directory, { recursive: true, force: true });
    }
  });

  it('serves its page without a token, and nothing of a delivery', async () => {
    const page = await fetch(receiver.adminUrl);
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    const html = await page.text();
    const parts = [...html.matchAll(/(?:src|href)="(inspector\/[^"]+)"/g)].map(([, path]) => path);
    expect(parts.length).toBeGreaterThan(2);
    for (const path of parts) {
      expect((await fetch(`${receiver.adminUrl}/${path}`)).status, path).toBe(200);
    }
    expect((await fetch(`${receiver.adminUrl}/api/deliveries`)).status).toBe(401);
    expect((await fetch(`${receiver.adminUrl}/api/live`)).status).toBe(401);
  });
});
