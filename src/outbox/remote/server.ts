import { timeLimit } from '../../core/clock.js';
import { answerCalls } from '../../core/link/calls.js';
import { toFailure } from '../../core/link/failure.js';
import type { Link } from '../../core/link/link.js';
import type { ReceiverOutbox } from './client.js';
import {
  APPENDS,
  type AppendBatch,
  type AppendCall,
  type CallResult,
  PROBES,
  packResult,
  type ResultBatch,
  unpackCalls,
  WAITS,
} from './wire.js';

/** How long a receiver may wait for events to be settled, in milliseconds: no sender waits longer for its answer. */
const LONGEST_WAIT = 5_000;

/**
 * Serves the outbox of this process to a receiving process. Everything that a commit of the store resolves is sent
 * together. When the link is lost, deliveries that still wait for their turn are withdrawn: nobody can answer their
 * senders.
 */
export function serveOutbox(link: Link, outbox: ReceiverOutbox): void {
  /** The deliveries without a result, by the number of their call. */
  const withdrawals: (AbortController | undefined)[] = [];
  let ids: number[] = [];
  let results: CallResult[] = [];

  const ready = link.add({
    name: APPENDS,
    take() {
      if (ids.length === 0) return undefined;
      const batch: ResultBatch = { ids, results };
      ids = [];
      results = [];
      return batch;
    },
    receive(batch) {
      const calls = batch as AppendBatch;
      // First, because a new delivery may have the number of a call that is withdrawn and was answered meanwhile.
      for (const id of calls.withdrawn) withdrawals[id]?.abort();
      for (const call of unpackCalls(calls)) void append(call);
    },
    lost() {
      for (const each of withdrawals) each?.abort();
    },
  });
  answerCalls<null, null>(link, PROBES, async () => {
    await outbox.probe();
    return null;
  });
  answerCalls<readonly string[], null>(link, WAITS, async (eventIds) => {
    await outbox.settled(eventIds, timeLimit(LONGEST_WAIT));
    return null;
  });

  async function append({ delivery, id }: AppendCall): Promise<void> {
    const withdrawal = new AbortController();
    withdrawals[id] = withdrawal;
    let result: CallResult;
    try {
      result = packResult(await outbox.append(delivery, withdrawal.signal));
    } catch (error) {
      result = toFailure(error);
    }
    withdrawals[id] = undefined;
    ids.push(id);
    results.push(result);
    ready();
  }
}
