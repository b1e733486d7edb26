import { Agent } from 'undici';
import { trackText } from '../../../support/sender.js';
import type { Row } from '../../row.js';
import { deliver, segmentHeaders } from '../../senders.js';
import { openStore, type Store, underLoad } from '../store.js';

/** Deliveries of the hot user at once. The others send one event every `EVERY_MS` each. */
const AT_ONCE = 24;
const EVERY_MS = 250;
/** The sink answers after this, so that one partition has at most a batch in this time. */
const SINK_MS = 100;
const EACH_PHASE = 4_000;
/** By how much the hot user may slow down the others: the machine is busier, too. */
const SLOWER = 3;
const LEAST_MS = 1_000;

/** One user has most of the events. */
export const hotUser: Row = {
  name: 'hot-user',
  fault: `one user sends more events than one partition delivers, beside ${200} others`,
  mustHold: `each user’s order, the others’ p99 from the answer to the sink is at most ${SLOWER} times as long, or ${LEAST_MS} ms`,
  limitMs: 240_000,
  async run(context) {
    const store = await openStore(context);
    const answered = new Map<string, number>();
    const delays: number[] = [];
    store.sink.behave(async (events) => {
      const now = performance.now();
      for (const { messageId } of events) {
        const at = answered.get(messageId);
        if (at !== undefined) delays.push(now - at);
      }
      await new Promise((resolve) => setTimeout(resolve, SINK_MS));
      return { status: 200 };
    });
    await underLoad(
      store,
      { receiver: 'receive', dispatcher: 'dispatch' },
      {
        everyMs: EVERY_MS,
        onAnswer: (id, { status }) => {
          if (status === 200) answered.set(id, performance.now());
        },
      },
    );
    const { ledger } = store;
    await store.more(EACH_PHASE);
    const before = p99(delays.splice(0));
    const over = new AbortController();
    context.after(async () => over.abort());
    const hot = Promise.all(
      Array.from({ length: AT_ONCE }, (_, sender) => sendHot(store, sender, over.signal)),
    );
    await store.more(3 * EACH_PHASE);
    const during = p99(delays.splice(0));
    over.abort();
    await hot;
    const problem = `the others’ p99 rose from ${before} to ${during} ms`;
    ledger.expect(during <= Math.max(LEAST_MS, SLOWER * before), problem);
    store.sink.behave(() => ({ status: 200 }));
    return await store.conclude(0, [`the others’ p99 was ${before} ms before and ${during} ms`]);
  },
};

/** Events of one user, several at once, whose order therefore nobody knows. */
async function sendHot(store: Store, sender: number, signal: AbortSignal): Promise<void> {
  const dispatcher = new Agent({ connections: 1 });
  for (let number = 0; !signal.aborted; number += 1) {
    const id = `hot-${sender}:${number}`;
    store.ledger.sending(id, id);
    const body = trackText(id, { userId: 'hot' });
    const { url = '' } = store.members.get('receiver') ?? {};
    const answer = await deliver(`${url}/segment`, body, segmentHeaders(body), {
      dispatcher,
      timeoutMs: 10_000,
    });
    if (answer.status !== undefined) store.ledger.answered([id], answer.status, answer.ms);
  }
  await dispatcher.destroy();
}

function p99(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0);
}
