import { describe, expect, it, vi } from 'vitest';
import { Recorder } from '../../src/workbench/inspect/recorder.js';
import type { Recording } from '../../src/workbench/inspect/recording.js';
import { observed } from '../support/observations.js';
import { eventually } from '../support/receiver.js';
import { harness, openSource } from './harness.js';
import { serve } from './serve.js';

const SIGNED = {
  scheme: 'segment-signature',
  header: 'x-signature',
  secrets: ['a-secret-of-the-segment'],
  batch: 'first-element',
} as const;

const silent = { delivered: () => undefined, attempted: () => undefined };

async function recorded() {
  const h = harness();
  const { observations } = h.deps;
  const ring = { deliveries: 50, memory: 1e8 };
  const recorder = new Recorder({ observations, audience: silent, ring });
  const sources = [
    openSource({ path: '/open', cors: { origins: ['*'] } }),
    openSource({ path: '/signed', verify: [SIGNED] }, 'signed'),
    openSource({ path: '/rs', type: 'rudderstack' }, 'rs'),
  ];
  const served = await serve(sources, h);
  const newest = (count = 1): Promise<readonly Recording[]> =>
    eventually(
      () => recorder.kept(),
      (recordings) => recordings.length >= count,
    );
  return { ...served, recorder, newest };
}

describe('a port without subscribers', () => {
  it('gets no message of a delivery, so that none is built', async () => {
    const observations = observed();
    const { answered, appended, began, judged, read, verified } = observations;
    const publish = [answered, appended, began, judged, read, verified].map((channel) =>
      vi.spyOn(channel, 'publish'),
    );
    const { ask, statusOf, store } = await serve(
      [openSource({ path: '/open' }), openSource({ path: '/signed', verify: [SIGNED] }, 'signed')],
      harness({ observations }),
    );
    expect(await statusOf('/open')).toBe(200);
    expect(await statusOf('/signed')).toBe(401);
    expect(await statusOf('/open', 'DELETE')).toBe(405);
    expect((await ask('/open', { method: 'POST', body: '{"broken' })).status).toBe(400);
    const batch = JSON.stringify(Array.from({ length: 300 }, () => ({ type: 'track' })));
    expect((await ask('/open', { method: 'POST', body: batch })).status).toBe(200);
    expect(store.events).toHaveLength(301);
    for (const each of publish) expect(each).not.toHaveBeenCalled();
  });

  it('is as if there were no recorder', async () => {
    const { statusOf } = await serve([openSource({ path: '/open' })]);
    expect(await statusOf('/open')).toBe(200);
  });
});

describe('a recorded delivery', () => {
  it('holds what came, how it was verified, what became of it and what was answered', async () => {
    const { ask, newest } = await recorded();
    const body = '{"type":"track","event":"A","userId":7,"messageId":"m"}';
    const response = await ask('/open?a=1', { method: 'POST', body, headers: { 'x-a': 'b' } });
    const [recording] = await newest();
    expect(recording?.id).toBe(response.headers.get('x-request-id'));
    expect(recording?.start).toMatchObject({ source: 'open', method: 'POST', url: '/open?a=1' });
    expect(recording?.start.rawHeaders).toEqual(expect.arrayContaining(['x-a', 'b']));
    expect(recording?.body?.toString()).toBe(body);
    expect(recording?.verification).toMatchObject({ passed: true, verifiedBy: 'none' });
    expect(recording?.first).toEqual({ type: 'track', event: 'A', userId: '7', messageId: 'm' });
    expect(recording?.events).toMatchObject([
      { index: 0, outcome: 'accepted', eventId: 'id-0', authenticated: false, messageId: 'm' },
    ]);
    expect(JSON.parse(recording?.events[0]?.decoded ?? '')).toEqual(JSON.parse(body));
    expect(JSON.parse(recording?.events[0]?.canonical ?? '')).toMatchObject({ userId: '7' });
    expect(recording?.answer).toMatchObject({
      status: 200,
      outcome: 'accepted',
      body: await response.text(),
    });
  });

  it('may have been refused, at whatever step', async () => {
    const { ask, newest, recorder, state, statusOf, store } = await recorded();
    const seen: unknown[] = [];
    const see = async (status: Promise<number>): Promise<void> => {
      const before = recorder.kept().length;
      const answered = await status;
      const [recording] = await newest(before + 1);
      seen.push([answered, recording?.answer?.code, recording?.verification?.passed ?? null]);
    };
    const post = async (path: string, body: string): Promise<number> =>
      (await ask(path, { method: 'POST', body })).status;
    await see(statusOf('/open', 'DELETE'));
    await see(statusOf('/signed'));
    await see(post('/open', '{"broken'));
    await see(post('/open', '{"type":"trick"}'));
    await see(post('/open', 'x'.repeat(100_001)));
    store.onAppend = () => Promise.reject(new Error('the disk is gone'));
    await see(statusOf('/open'));
    state.draining = true;
    await see(statusOf('/open'));
    expect(seen).toEqual([
      [405, 'METHOD_NOT_ALLOWED', null],
      [401, 'UNAUTHENTICATED', false],
      [400, 'BODY_MALFORMED', true],
      [422, 'EVENT_INVALID', true],
      [413, 'BODY_TOO_LARGE', null],
      [503, 'INTERNAL', true],
      [503, 'DRAINING', null],
    ]);
    const [, lost, , invalid] = recorder.kept();
    expect(lost?.events).toMatchObject([{ outcome: 'refused' }]);
    expect(invalid?.events).toMatchObject([
      { outcome: 'quarantined', violations: [{ path: '/type' }] },
    ]);
  });

  it('says of a batch what became of each', async () => {
    const { ask, newest, store } = await recorded();
    store.outcomes = ({ events }) =>
      events.map((_event, at) =>
        at === 0 ? { outcome: 'duplicate' } : { outcome: 'accepted', id: `id-${at}` },
      );
    const body = '[{"type":"page"},{"type":"nope"},{"type":"page"}]';
    await ask('/open', { method: 'POST', body });
    const [recording] = await newest();
    expect(recording?.events.map(({ eventId, outcome }) => [outcome, eventId])).toEqual([
      ['duplicate', undefined],
      ['quarantined', undefined],
      ['accepted', 'id-1'],
    ]);
  });

  it('of a path that no source has took no negative time', async () => {
    const { clock, newest, statusOf } = await recorded();
    let readings = 0;
    vi.spyOn(clock, 'monotonic').mockImplementation(() => ++readings);
    expect(await statusOf('/nowhere')).toBe(404);
    const [recording] = await newest();
    expect(recording?.answer?.ms).toBeGreaterThan(0);
  });

  it('is none of HEAD, which delivers nothing, nor of a browser’s question', async () => {
    const { ask, newest, recorder, statusOf } = await recorded();
    expect(await statusOf('/rs?a=1', 'HEAD')).toBe(200);
    expect((await ask('/open', { method: 'OPTIONS' })).status).toBeLessThan(300);
    expect(await statusOf('/nowhere', 'HEAD')).toBe(404);
    expect((await ask('/nowhere', { method: 'OPTIONS' })).status).toBe(404);
    expect(await statusOf('/rs?a=1', 'GET')).toBe(200);
    await newest();
    expect(recorder.kept().map(({ start }) => start.method)).toEqual(['GET']);
  });
});
