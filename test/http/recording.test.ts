import { describe, expect, it } from 'vitest';
import { Recorder } from '../../src/inspect/recorder.js';
import type { Tape } from '../../src/inspect/tape.js';
import { eventually } from '../support/receiver.js';
import { harness, openSource } from './harness.js';
import { serve } from './serve.js';

const SIGNED = {
  scheme: 'segment-signature',
  header: 'x-signature',
  secrets: ['a-secret-of-the-segment'],
  batch: 'first-element',
} as const;

const silent = { listening: false, delivered: () => undefined, attempted: () => undefined };

async function recorded() {
  const recorder = new Recorder({ audience: silent, ring: { deliveries: 50, memory: 1e8 } });
  const sources = [
    openSource({ path: '/open', cors: { origins: ['*'] } }),
    openSource({ path: '/signed', verify: [SIGNED] }, 'signed'),
    openSource({ path: '/rs', type: 'rudderstack' }, 'rs'),
  ];
  const served = await serve(sources, harness({ recorder }));
  const newest = (count = 1): Promise<readonly Tape[]> =>
    eventually(
      () => recorder.kept(),
      (tapes) => tapes.length >= count,
    );
  return { ...served, recorder, newest };
}

describe('recording off', () => {
  it('costs one look a delivery, and never a tape', async () => {
    let looks = 0;
    let tapes = 0;
    const recorder = {
      get wanted(): boolean {
        looks++;
        return false;
      },
      begin(): never {
        tapes++;
        throw new TypeError('nobody asked for a tape');
      },
    };
    const { ask, statusOf, store } = await serve(
      [openSource({ path: '/open' }), openSource({ path: '/signed', verify: [SIGNED] }, 'signed')],
      harness({ recorder }),
    );
    expect(await statusOf('/open')).toBe(200);
    expect(await statusOf('/signed')).toBe(401);
    expect(await statusOf('/open', 'DELETE')).toBe(405);
    expect((await ask('/open', { method: 'POST', body: '{"broken' })).status).toBe(400);
    const batch = JSON.stringify(Array.from({ length: 300 }, () => ({ type: 'track' })));
    expect((await ask('/open', { method: 'POST', body: batch })).status).toBe(200);
    expect(store.events).toHaveLength(301);
    expect([looks, tapes]).toEqual([5, 0]);
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
    const [tape] = await newest();
    expect(tape?.id).toBe(response.headers.get('x-request-id'));
    expect(tape?.start).toMatchObject({ source: 'open', method: 'POST', url: '/open?a=1' });
    expect(tape?.start.rawHeaders).toEqual(expect.arrayContaining(['x-a', 'b']));
    expect(tape?.body?.toString()).toBe(body);
    expect(tape?.verification).toMatchObject({ holds: true, verifiedBy: 'none' });
    expect(tape?.first).toEqual({ type: 'track', event: 'A', userId: '7', messageId: 'm' });
    expect(tape?.events).toMatchObject([
      { index: 0, outcome: 'accepted', eventId: 'id-0', authenticated: false, messageId: 'm' },
    ]);
    expect(JSON.parse(tape?.events[0]?.decoded ?? '')).toEqual(JSON.parse(body));
    expect(JSON.parse(tape?.events[0]?.canonical ?? '')).toMatchObject({ userId: '7' });
    expect(tape?.answer).toMatchObject({
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
      const [tape] = await newest(before + 1);
      seen.push([answered, tape?.answer?.code, tape?.verification?.holds ?? null]);
    };
    const post = async (path: string, body: string): Promise<number> =>
      (await ask(path, { method: 'POST', body })).status;
    await see(statusOf('/open', 'DELETE'));
    await see(statusOf('/rs/nothing', 'GET'));
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
      [404, 'NOT_FOUND', null],
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
    const [tape] = await newest();
    expect(tape?.events.map(({ eventId, outcome }) => [outcome, eventId])).toEqual([
      ['duplicate', undefined],
      ['quarantined', undefined],
      ['accepted', 'id-1'],
    ]);
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
