import type { SinkConfig } from '../../config/config.js';
import type { Clock } from '../../core/clock.js';
import type { Settlement } from '../../outbox/feed.js';
import type { Failure } from '../../sinks/sink.js';
import { waitAfter } from '../backoff.js';
import { errorText } from '../error-text.js';
import type { Outcome } from './attempt.js';
import type { Entry, Part } from './entry.js';
import { dead, failedOnce } from './give-up.js';

export interface Judgment {
  readonly settlements: readonly Settlement[];
  /** What must be retried before anything newer, as batches in this order. */
  readonly retries: readonly (readonly Part[])[];
  /** Milliseconds to wait before the retry; absent if no failure was transient. */
  readonly wait?: number;
  /** The longest wait that the server asked for, in milliseconds; 0 if it asked for none. */
  readonly retryAfter: number;
  /** Sent events by result, for the metrics. */
  readonly counts: { delivered: number; transient: number; permanent: number };
  /** The first error, for the sink's state and the log. */
  readonly error: string | undefined;
}

export interface JudgePolicy {
  readonly retry: SinkConfig['retry'];
  readonly clock: Clock;
  readonly random: () => number;
}

type Ended = Exclude<Outcome, { readonly kind: 'stopped' }>;

/**
 * Decides what one attempt at a batch means for each of its events. Updates the entries: which are settled, how often
 * they failed and since when.
 *
 * A batch that failed permanently as a whole is halved, since a single event may be the cause and the others must be
 * delivered. Halving settles nothing and does not count as a failed attempt of the events, because the event that
 * failed is not known yet. A batch that crashed is split into single events, so that the event that causes the crash is
 * attempted alone and no other event is blamed.
 */
export function judge(batch: readonly Part[], outcome: Ended, policy: JudgePolicy): Judgment {
  const wanting = outcome.kind === 'failed' ? outcome.failure : undefined;
  if (batch.length > 1 && (wanting?.retryable === false || wanting?.crashed)) {
    const middle = Math.ceil(batch.length / 2);
    const halves = [batch.slice(0, middle), batch.slice(middle)];
    return {
      settlements: [],
      retries: wanting.crashed ? batch.map((part) => [part]) : halves,
      retryAfter: 0,
      counts: { delivered: 0, transient: 0, permanent: 0 },
      error: wanting.message,
    };
  }

  const counts = { delivered: 0, transient: 0, permanent: 0 };
  const settlements: Settlement[] = [];
  const failed: { readonly part: Part; readonly failure: Failure }[] = [];
  let error: string | undefined;
  batch.forEach((part, index) => {
    const result = outcome.kind === 'results' ? outcome.results[index] : undefined;
    const { entry } = part;
    if (result?.ok) {
      counts.delivered++;
      entry.unsent--;
      if (entry.unsent === 0) settlements.push(done(entry));
      return;
    }
    const failure = wanting ?? result;
    if (failure === undefined) return;
    error ??= errorText(failure.message);
    if (failure.retryable) {
      counts.transient++;
      failed.push({ part, failure });
      return;
    }
    counts.permanent++;
    // A transform may have turned one event into several. They are one dead letter, however many of them fail.
    if (!entry.settled) settlements.push(dead(entry, failure, policy.clock));
  });

  const { wait, retryAfter, ...retries } = retryOrGiveUp(failed, policy);
  settlements.push(...retries.settlements);
  const rest = failed.map(({ part }) => part).filter(({ entry }) => !entry.settled);
  if (rest.length === 0) return { settlements, retries: [], retryAfter, counts, error };
  return { settlements, retries: [rest], wait, retryAfter, counts, error };
}

function retryOrGiveUp(
  failed: readonly { readonly part: Part; readonly failure: Failure }[],
  policy: JudgePolicy,
): { settlements: Settlement[]; wait: number; retryAfter: number } {
  const { clock, random, retry } = policy;
  const settlements: Settlement[] = [];
  const counted = new Set<Entry>();
  let failures = 0;
  let retryAfter = 0;
  let left = Number.POSITIVE_INFINITY;
  for (const { part, failure } of failed) {
    const { entry } = part;
    retryAfter = Math.max(retryAfter, failure.retryAfter ?? 0);
    if (entry.settled || counted.has(entry)) continue;
    counted.add(entry);
    settlements.push(failedOnce(entry, failure, policy));
    if (entry.settled) continue;
    failures = Math.max(failures, entry.failures);
    const age = clock.monotonic() - (entry.firstFailure ?? 0);
    left = Math.min(left, retry.giveUpAfter - age);
  }
  const wait = waitAfter(failures, retry, random, { retryAfter, left });
  return { settlements, wait, retryAfter };
}

function done(entry: Entry): Settlement {
  entry.settled = true;
  return { id: entry.id, outcome: 'done' };
}
