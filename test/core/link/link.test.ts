import { expect, it } from 'vitest';
import { TrackbridgeError } from '../../../src/core/errors.js';
import { answerCalls, openCalls } from '../../../src/core/link/calls.js';
import { Link } from '../../../src/core/link/link.js';
import { openMessages } from '../../../src/core/link/messages.js';
import { streamPair } from './pairs.js';

function linkPair(highWaterMark?: number) {
  const [near, far] = streamPair(undefined, highWaterMark);
  return { near, far, left: new Link(near), right: new Link(far) };
}

const turns = async (count = 10): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

it('sends the messages of one turn, of all topics, in one frame', async () => {
  const { left, near, right } = linkPair();
  let frames = 0;
  const { cork } = near;
  near.cork = () => {
    frames += 1;
    cork.call(near);
  };
  const received: string[] = [];
  const send = ['a', 'b'].map((name) => {
    openMessages<string, never>(right, { name, onMessage: (text) => void received.push(text) });
    return openMessages<never, string>(left, { name, onMessage: () => undefined });
  });
  for (const text of ['1', '2', '3']) for (const each of send) each(text);
  await turns();
  expect(received).toEqual(['1', '2', '3', '1', '2', '3']);
  expect(frames).toBe(1);
});

it('keeps messages in their topic while the other side reads nothing', async () => {
  const { left, near, right } = linkPair();
  const received: number[] = [];
  openMessages<number, never>(right, {
    name: 'n',
    onMessage: (number) => void received.push(number),
  });
  let taken = 0;
  let waiting = [1, 2];
  const ready = left.add({
    name: 'n',
    take() {
      taken += 1;
      const all = waiting;
      waiting = [];
      return all;
    },
    receive: () => undefined,
  });
  Object.defineProperty(near, 'writableNeedDrain', { value: true, configurable: true });
  ready();
  await turns();
  expect(taken).toBe(0);
  Object.defineProperty(near, 'writableNeedDrain', { value: false });
  waiting.push(3);
  near.emit('drain');
  await turns();
  expect(received).toEqual([1, 2, 3]);
});

it('drops messages beyond the number that may wait', async () => {
  const { left, right } = linkPair();
  const received: number[] = [];
  openMessages<number, never>(right, {
    name: 'n',
    onMessage: (number) => void received.push(number),
  });
  const send = openMessages<never, number>(left, {
    name: 'n',
    most: 2,
    onMessage: () => undefined,
  });
  for (const number of [1, 2, 3]) send(number);
  await turns();
  send(4);
  await turns();
  expect(received).toEqual([1, 2, 4]);
});

it('answers calls with a reply or the error, which keeps its code', async () => {
  const { left, right } = linkPair();
  answerCalls<number, number>(right, 'half', (number) => {
    if (number % 2 === 0) return number / 2;
    throw new TrackbridgeError('OUTBOX_FULL', 'odd', { retryAfter: 7, cause: new Error('one') });
  });
  const half = openCalls<number, number>(left, 'half');
  expect(await Promise.all([half(4), half(6)])).toEqual([2, 3]);
  await expect(half(3)).rejects.toMatchObject({
    code: 'OUTBOX_FULL',
    message: 'odd',
    retryAfter: 7,
    cause: new Error('one'),
  });
});

it('rejects open and later calls with OUTBOX_UNAVAILABLE once the link is lost', async () => {
  const { far, left, right } = linkPair();
  answerCalls<null, null>(right, 'hang', () => new Promise(() => undefined));
  const hang = openCalls<null, null>(left, 'hang');
  const open = hang(null);
  await turns();
  far.destroy();
  await expect(open).rejects.toMatchObject({ code: 'OUTBOX_UNAVAILABLE' });
  await expect(hang(null)).rejects.toMatchObject({ code: 'OUTBOX_UNAVAILABLE' });
  expect(left.isLost).toBe(true);
  expect(await left.lost).toBeUndefined();
});

it('is lost with a cause if the other side writes anything else', async () => {
  const { far, left } = linkPair();
  far.write(Buffer.from([0, 0, 0, 3, 1, 2, 3]));
  expect(await left.lost).toBeInstanceOf(Error);
});

it.each([
  ['that must drain after each frame', 1],
  ['that can take all of it at once', 2 ** 20],
])('sends what is ready before it closes a stream %s', async (_, highWaterMark) => {
  const { left, right } = linkPair(highWaterMark);
  const received: number[] = [];
  openMessages<number, never>(right, {
    name: 'n',
    onMessage: (number) => void received.push(number),
  });
  const send = openMessages<never, number>(left, { name: 'n', onMessage: () => undefined });
  for (let number = 0; number < 12_000; number++) send(number);
  await left.end();
  await right.lost;
  expect(received).toHaveLength(12_000);
});
