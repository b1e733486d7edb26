import type { Clock } from '../clock.js';
import type { SinkConfig } from '../config/config.js';
import { type Attempt, FAR_SIDE_SAID, type Settlement } from '../outbox/outbox.js';
import type { DeliveryResult } from '../sinks/sink.js';
import type { Outcome } from './attempt.js';
import { waitAfter } from './backoff.js';
import type { Entry, Part } from './entry.js';
import { oneLine } from './one-line.js';

export interface Judgement {
  readonly settlements: readonly Settlement[];
  /** What has to be attempted again before anything newer, as batches in this order. */
  readonly again: readonly (readonly Part[])[];
  /** Milliseconds before that; absent where nothing failed in a way that waiting would cure. */
  readonly wait?: number;
  /** The longest that the far side asked for, in milliseconds; 0 where it did not. */
  readonly retryAfter: number;
  /** Sent events by how they fared, for the metrics. */
  readonly counts: { delivered: number; transient: number; permanent: number };
  /** The first thing that went wrong, for state and log. */
  readonly error: string | undefined;
}

export interface JudgePolicy {
  readonly retry: SinkConfig['retry'];
  readonly clock: Clock;
  readonly random: () => number;
}

type Ended = Exclude<Outcome, { readonly kind: 'stopped' }>;
type Failed = Extract<DeliveryResult, { readonly ok: false }>;

/**
 * Decides what one attempt at a batch means for each of its events. Updates the entries: what is settled, how often and
 * since when it failed.
 *
 * A batch that failed for good as a whole is halved, since a single event may be the cause and the others must arrive.
 * Halving settles nothing and is no failed attempt of the events in it: which of them failed is not known yet.
 */
export function judge(batch: readonly Part[], outcome: Ended, policy: JudgePolicy): Judgement {
  if (outcome.kind === 'failed' && !outcome.retryable && batch.length > 1) {
    const middle = Math.ceil(batch.length / 2);
    return {
      settlements: [],
      again: [batch.slice(0, middle), batch.slice(middle)],
      retryAfter: 0,
      counts: { delivered: 0, transient: 0, permanent: 0 },
      error: outcome.error,
    };
  }

  const counts = { delivered: 0, transient: 0, permanent: 0 };
  const settlements: Settlement[] = [];
  const failed: { readonly part: Part; readonly result: Failed }[] = [];
  let error: string | undefined;
  batch.forEach((part, index) => {
    const result = outcome.kind === 'failed' ? failureOf(outcome) : outcome.results[index];
    if (result === undefined) return;
    const { entry } = part;
    if (result.ok) {
      counts.delivered++;
      entry.unsent--;
      if (entry.unsent === 0) settlements.push(done(entry));
      return;
    }
    error ??= oneLine(result.error);
    if (result.retryable) {
      counts.transient++;
      failed.push({ part, result });
      return;
    }
    counts.permanent++;
    // A transform may have made several of one: it is one dead letter, however many of them fail.
    if (!entry.settled) settlements.push(dead(entry, wholeOf(result), policy.clock));
  });

  const { wait, retryAfter, ...retries } = retryOrGiveUp(failed, policy);
  settlements.push(...retries.settlements);
  const rest = failed.map(({ part }) => part).filter(({ entry }) => !entry.settled);
  if (rest.length === 0) return { settlements, again: [], retryAfter, counts, error };
  return { settlements, again: [rest], wait, retryAfter, counts, error };
}

function retryOrGiveUp(
  failed: readonly { readonly part: Part; readonly result: Failed }[],
  { clock, random, retry }: JudgePolicy,
): { settlements: Settlement[]; wait: number; retryAfter: number } {
  const settlements: Settlement[] = [];
  const counted = new Set<Entry>();
  let failures = 0;
  let retryAfter = 0;
  let left = Number.POSITIVE_INFINITY;
  for (const { part, result } of failed) {
    const { entry } = part;
    retryAfter = Math.max(retryAfter, result.retryAfter ?? 0);
    if (entry.settled || counted.has(entry)) continue;
    counted.add(entry);
    entry.failures++;
    entry.firstFailure ??= clock.monotonic();
    const age = clock.monotonic() - entry.firstFailure;
    if (age >= retry.giveUpAfter) {
      settlements.push(
        dead(entry, `given up after ${Math.round(age / 1000)} s: ${wholeOf(result)}`, clock),
      );
      continue;
    }
    settlements.push({
      id: entry.id,
      outcome: 'retry',
      attempt: failedNow(wholeOf(result), clock),
    });
    failures = Math.max(failures, entry.failures);
    left = Math.min(left, retry.giveUpAfter - age);
  }
  const wait = waitAfter(failures, retry, random, { retryAfter, left });
  return { settlements, wait, retryAfter };
}

function failureOf(outcome: Extract<Ended, { kind: 'failed' }>): Failed {
  const { retryable, retryAfter, error, excerpt } = outcome;
  return {
    ok: false,
    retryable,
    error,
    ...(retryAfter !== undefined && { retryAfter }),
    ...(excerpt !== undefined && { excerpt }),
  };
}

/** What a dead letter keeps of a failure. The log gets less: the far side may have repeated the payload. */
function wholeOf({ error, excerpt }: Failed): string {
  return excerpt === undefined ? error : `${error}${FAR_SIDE_SAID}${excerpt}`;
}

function done(entry: Entry): Settlement {
  entry.settled = true;
  return { id: entry.id, outcome: 'done' };
}

function dead(entry: Entry, error: string, clock: Clock): Settlement {
  entry.settled = true;
  return { id: entry.id, outcome: 'dead', attempt: failedNow(error, clock) };
}

function failedNow(error: string, clock: Clock): Attempt {
  return { at: clock.now(), error: oneLine(error) };
}
