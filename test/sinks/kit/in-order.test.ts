import { describe, expect, it } from 'vitest';
import {
  type BatchRequest,
  halved,
  heldBack,
  sendInOrder,
} from '../../../src/sinks/kit/in-order.js';
import { DELIVERED, type DeliveryResult, SinkError } from '../../../src/sinks/sink.js';
import { sinkEvent } from '../events.js';

/** A far side that refuses some events, for good or for now, and what it has got. */
function farSide(refused: ReadonlyMap<number, boolean>) {
  const sent: number[][] = [];
  const requestOf = (indices: readonly number[]): BatchRequest => ({
    indices,
    async send() {
      const culprit = indices.find((index) => refused.has(index));
      sent.push([...indices]);
      if (culprit === undefined) return;
      const retryable = refused.get(culprit) === true;
      throw new SinkError(`not ${culprit}`, { retryable });
    },
    ...(indices.length > 1 && {
      halves() {
        const [first, second] = halved(indices);
        return [requestOf(first), requestOf(second)];
      },
    }),
  });
  return { sent, requestOf };
}

const failed = (culprit: number, retryable: boolean) => ({
  ok: false,
  message: `not ${culprit}`,
  retryable,
});

describe('sending in order', () => {
  it('halves what is refused for good until the event is found, and sends all others in order', async () => {
    const { requestOf, sent } = farSide(new Map([[5, false]]));
    const results: DeliveryResult[] = [];
    await sendInOrder([requestOf([0, 1, 2, 3]), requestOf([4, 5, 6, 7])], results);
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true, true, true, false, true, true]);
    expect(results[5]).toEqual(failed(5, false));
    expect(sent).toEqual([[0, 1, 2, 3], [4, 5, 6, 7], [4, 5], [4], [5], [6, 7]]);
  });

  it('sends nothing behind a failure that may pass', async () => {
    const { requestOf, sent } = farSide(new Map([[2, true]]));
    const results: DeliveryResult[] = [];
    await sendInOrder([[0, 1], [2, 3], [4]].map(requestOf), results);
    expect(results).toEqual([DELIVERED, DELIVERED, ...[2, 3, 4].map(() => failed(2, true))]);
    expect(sent).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it('leaves halving to others until something has arrived, where it is told to', async () => {
    const { requestOf } = farSide(new Map([[0, false]]));
    await expect(sendInOrder([requestOf([0, 1])], [], 'throw')).rejects.toMatchObject({
      message: 'not 0',
    });
    const results: DeliveryResult[] = [];
    await sendInOrder([requestOf([2]), requestOf([0, 1])], results, 'throw');
    expect(results).toEqual([failed(0, false), DELIVERED, DELIVERED]);
  });

  it('passes on what is no failure of the far side', async () => {
    const broken: BatchRequest = {
      indices: [0],
      send: () => Promise.reject(new TypeError('a fault')),
    };
    await expect(sendInOrder([broken], [])).rejects.toThrow('a fault');
  });
});

describe('events that were sent together', () => {
  it('are sent again behind one of their user that has to be, and not for one refused for good', () => {
    const [busy, bad] = [failed(0, true), failed(1, false)] as DeliveryResult[];
    const batch = ['a', 'b', 'a', 'c', 'c', 'b'].map((userId, at) =>
      sinkEvent(`${at}`, { userId }),
    );
    const results = [busy, DELIVERED, DELIVERED, bad, DELIVERED, DELIVERED] as DeliveryResult[];
    expect(heldBack(batch, results)).toEqual([busy, DELIVERED, busy, bad, DELIVERED, DELIVERED]);
  });
});
