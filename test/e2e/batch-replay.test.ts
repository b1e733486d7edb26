import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Receiver, readEvents, startReceiver } from '../support/receiver.js';
import { deliverSegment, sign, trackText } from '../support/sender.js';

/**
 * Segment signs the first element of a batch and no time, so whoever has seen one delivery can send it again with elements
 * of his own behind the first. This is that attack, and what the manual says to do about it.
 */
const SECRET = 'the-shared-secret-of-segment';
const FACTOR = 'the-second-factor-of-segment';
const SIGNED = { scheme: 'segment-signature', secrets: [SECRET] };

const batch = (...elements: string[]): string => `[${elements.join(',')}]`;

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver({
    config: {
      server: { port: 0 },
      sources: {
        plain: { type: 'segment', path: '/plain', verify: SIGNED },
        strict: { type: 'segment', path: '/strict', verify: { ...SIGNED, batch: 'whole-body' } },
        double: {
          type: 'segment',
          path: '/double',
          verify: [
            SIGNED,
            { scheme: 'shared-secret', header: 'x-webhook-token', secrets: [FACTOR] },
          ],
        },
      },
      sinks: {
        all: { type: 'file', path: 'all.ndjson' },
        covered: { type: 'file', path: 'covered.ndjson', where: { authenticated: true } },
      },
    },
  });
});
afterAll(async () => {
  await receiver.end();
  await rm(receiver.directory, { recursive: true, force: true });
});

const reached = async (sink: string, ...ids: string[]): Promise<Record<string, unknown>[]> => {
  const all = await eventually(
    () => readEvents(join(receiver.directory, `${sink}.ndjson`)),
    (events) => ids.every((id) => events.some(({ messageId }) => messageId === id)),
  );
  // Events of different users come in any order.
  return ids.flatMap((id) => all.filter(({ messageId }) => messageId === id));
};
const seenBy = async (sink: string): Promise<unknown[]> =>
  (await readEvents(join(receiver.directory, `${sink}.ndjson`))).map(({ messageId }) => messageId);

describe('a captured batch with forged elements behind the signed one', () => {
  const first = trackText('captured-1');
  const captured = batch(first, trackText('captured-2'));
  const forged = batch(first, trackText('forged-1', { userId: 'the-ceo' }), trackText('coming'));

  it('is taken as Segment’s own is, and marked: the first covered, what follows not', async () => {
    const own = await deliverSegment(`${receiver.url}/plain`, captured, SECRET, first);
    expect(await own.json()).toMatchObject({ accepted: 2 });
    const attack = await deliverSegment(`${receiver.url}/plain`, forged, SECRET, first);
    expect(attack.status).toBe(200);
    expect(await attack.json()).toMatchObject({ accepted: 2, duplicates: 1 });

    const events = await reached('all', 'captured-1', 'captured-2', 'forged-1', 'coming');
    const marks = events.map(({ messageId, receipt }) => {
      const { authenticated, verifiedBy } = receipt as Record<string, unknown>;
      return [messageId, authenticated, verifiedBy];
    });
    expect(marks).toEqual([
      ['captured-1', true, 'segment-signature'],
      ['captured-2', false, 'none'],
      ['forged-1', false, 'none'],
      ['coming', false, 'none'],
    ]);
  });

  it('keeps no authentic event away by having taken its messageId', async () => {
    const real = trackText('coming', { userId: 'somebody-real' });
    const answer = await deliverSegment(`${receiver.url}/plain`, real, SECRET);
    expect(await answer.json()).toMatchObject({ accepted: 1, duplicates: 0 });
  });

  it('reaches no sink that wants authenticated events only', async () => {
    await reached('covered', 'captured-1', 'coming');
    const seen = await seenBy('covered');
    expect(seen).not.toContain('forged-1');
    expect(seen).not.toContain('captured-2');
    const [coming] = await reached('covered', 'coming');
    expect(coming).toMatchObject({ userId: 'somebody-real' });
  });

  it('is refused with batch: whole-body, as is Segment’s own; one signed as a whole is taken', async () => {
    for (const body of [captured, forged]) {
      const answer = await deliverSegment(`${receiver.url}/strict`, body, SECRET, first);
      expect(answer.status).toBe(401);
    }
    const whole = batch(trackText('whole-1'), trackText('whole-2'));
    expect((await deliverSegment(`${receiver.url}/strict`, whole, SECRET)).status).toBe(200);
    const events = await reached('covered', 'whole-1', 'whole-2');
    expect(events).toHaveLength(2);
  });

  it('is refused without the second factor, which covers all where it is there', async () => {
    const head = trackText('double-1');
    const body = batch(head, trackText('double-2'));
    const without = await deliverSegment(`${receiver.url}/double`, body, SECRET, head);
    expect(without.status).toBe(401);
    const headers = { 'x-signature': sign(head, SECRET), 'x-webhook-token': FACTOR };
    const answer = await fetch(`${receiver.url}/double`, { method: 'POST', headers, body });
    expect(await answer.json()).toMatchObject({ accepted: 2 });
    const events = await reached('covered', 'double-1', 'double-2');
    expect(events.map(({ receipt }) => (receipt as { verifiedBy: string }).verifiedBy)).toEqual([
      'segment-signature+shared-secret',
      'shared-secret',
    ]);
  });
});
