import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { trackText } from '../support/sender.js';
import type { Ledger } from './ledger.js';
import type { RowContext } from './row.js';
import { deliver, segmentHeaders } from './senders.js';

/** How long a sender goes on with what it has begun after the load is stopped, milliseconds. */
const PATIENCE_MS = 10_000;

/** How long a sender waits before it sends again what was refused, milliseconds. */
const REFUSED_MS = 50;

export interface BatchLoadOptions {
  readonly ledger: Ledger;
  readonly url: string;
  readonly senders: number;
  /** Each sender has so many users of its own, who take turns. */
  readonly usersEach: number;
  /** Events a delivery. */
  readonly batch: number;
  /** The time from one delivery of a sender to its next, milliseconds; at once where the answer took longer. */
  readonly everyMs: number;
  /** Bytes to make each event larger by; none unless said. */
  readonly padding?: number;
  /** How many deliveries each sender makes; as many as there is time for unless said. */
  readonly deliveriesEach?: number;
  /** Called with the ids of each delivery that was answered 200. */
  readonly onAccepted?: (ids: readonly string[]) => void;
}

export interface BatchLoad {
  /** Resolves when all deliveries are made. */
  readonly finished: Promise<unknown>;
  /** Ends it; resolves when every delivery that was begun is answered 200, or after ten seconds. */
  stop(): Promise<void>;
}

/**
 * Sends Segment's batches, signed as a whole. As Segment does, a sender sends again what was not answered 200, and here
 * nothing else before, so that the order of each user's events is known. It ends with the row at the latest.
 */
export function startBatchLoad(
  { after }: Pick<RowContext, 'after'>,
  options: BatchLoadOptions,
): BatchLoad {
  const { ledger, url, senders, usersEach, batch, everyMs, onAccepted } = options;
  const most = options.deliveriesEach ?? Number.POSITIVE_INFINITY;
  const more = { context: { padding: 'x'.repeat(options.padding ?? 0) } };
  const dispatcher = new Agent({ connections: senders });
  const ended = new AbortController();
  let giveUpAt = Number.POSITIVE_INFINITY;

  const send = async (sender: number): Promise<void> => {
    let number = 0;
    for (let delivery = 0; delivery < most && !ended.signal.aborted; delivery++) {
      const startedAt = performance.now();
      const events = Array.from({ length: batch }, () => {
        const userId = `u${sender}-${number % usersEach}`;
        const id = `${userId}:${Math.floor(number / usersEach)}`;
        number++;
        ledger.sending(id, userId);
        return { id, text: trackText(id, { userId, ...more }) };
      });
      const ids = events.map(({ id }) => id);
      const body = `[${events.map(({ text }) => text).join(',')}]`;
      if (!(await untilAccepted(ids, body))) return;
      onAccepted?.(ids);
      const left = everyMs - (performance.now() - startedAt);
      if (left > 0) await sleep(left, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  };

  const untilAccepted = async (ids: readonly string[], body: string): Promise<boolean> => {
    for (;;) {
      const answer = await deliver(`${url}/segment`, body, segmentHeaders(body), {
        dispatcher,
        timeoutMs: 10_000,
      });
      if (answer.status !== undefined) ledger.answered(ids, answer.status, answer.ms);
      if (answer.status === 200) return true;
      if (performance.now() > giveUpAt) return false;
      await sleep(REFUSED_MS);
    }
  };

  const all = Promise.all(Array.from({ length: senders }, (_, sender) => send(sender)));
  const stop = async (patienceMs: number): Promise<void> => {
    ended.abort();
    giveUpAt = Math.min(giveUpAt, performance.now() + patienceMs);
    await all;
    await dispatcher.destroy();
  };
  // A row that failed half-way has nobody left who would answer.
  after(() => stop(0));
  return { finished: all, stop: () => stop(PATIENCE_MS) };
}
