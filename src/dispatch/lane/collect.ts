import type { SinkConfig } from '../../config/config.js';
import { type Clock, withinTime } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';
import type { Consumer, Settlement } from '../../outbox/feed.js';
import { waitAfter } from '../backoff.js';
import type { Account } from '../budget.js';
import type { Health } from '../health.js';
import type { Pause } from '../pause.js';
import type { DispatchLog, DispatchObservations } from '../ports.js';
import type { Prepare, Prepared } from '../routing/prepare.js';
import { childOf } from '../signals.js';
import { type Entry, type Part, toEntry } from './entry.js';
import { failedOnce } from './give-up.js';
import type { Holding } from './holding.js';
import { withheldEvent } from './observed-events.js';
import type { Settling } from './settling.js';

export interface CollectOptions {
  readonly sink: string;
  readonly consumer: Consumer;
  readonly lane: number;
  readonly batch: SinkConfig['batch'];
  readonly retry: SinkConfig['retry'];
  readonly account: Account;
  readonly holding: Holding;
  readonly prepare: Prepare;
  readonly settling: Pick<Settling, 'add'>;
  readonly health: Health;
  readonly pause: Pause;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: DispatchLog;
  readonly observations: Pick<DispatchObservations, 'withheld'>;
  /** If aborted, nothing more is claimed and nothing is waited for. */
  readonly soft: AbortSignal;
}

/** The events to prepare next, and how their claim ended. `full`: the outbox may have more events now. `no-room`: the budget ended it. */
interface Page {
  readonly entries: readonly Entry[];
  readonly end: 'full' | 'empty' | 'no-room';
}

/**
 * Claims the next batch of a lane: up to `batch.size` events that the sink wants, and no more once they reach
 * `batch.bytes`. It waits up to `batch.wait` milliseconds from the first event for the batch to fill. Events that the
 * sink does not want are settled on the way and use no room. A batch also goes out early if the budget has no more
 * room, another sink waits for what this one has borrowed, or a transform did not return from the next event. Resolves
 * to the batches to deliver: none if there is nothing to claim, several if a transform turned events into more. Rejects
 * as `Consumer.claim` does, but never while it holds events. If the lease is revoked, or a stop ends
 * the recording of settlements, it drops what it has collected.
 */
export async function collectBatches(options: CollectOptions): Promise<Part[][]> {
  const { batch, clock, holding, pause, soft } = options;
  let held = 0;
  let bytes = 0;
  let deadline: number | undefined;
  while (held < batch.size && !soft.aborted && !pause.isOn) {
    const { tenure } = holding;
    const claimed = await next(options, batch.size - held, held > 0);
    if (holding.tenure !== tenure) {
      // The last lease was revoked, and nothing that was collected under it is left.
      held = 0;
      bytes = 0;
      deadline = undefined;
    }
    const wanted = await sortOut(claimed.entries, options);
    holding.collected.push(...wanted.parts);
    if (holding.isRevoked || !wanted.mayGoOn) {
      holding.abandon();
      return [];
    }
    held += wanted.events;
    if (batch.bytes !== undefined) {
      for (const { event } of wanted.parts) bytes += event?.json.length ?? 0;
      if (bytes >= batch.bytes) break;
    }
    if (wanted.isCut && held > 0) break;
    if (wanted.isCut) continue;
    if (held > 0) deadline ??= clock.monotonic() + batch.wait;
    // A full page does not mean that the backlog ends there, so claim again before waiting.
    if (claimed.end === 'full') continue;
    if (claimed.end === 'no-room' && held === 0) continue;
    if (claimed.end === 'no-room' || deadline === undefined) break;
    const left = deadline - clock.monotonic();
    if (left <= 0 || (await moreOr(left, options)) === 'wanted') break;
  }
  const parts = holding.collected;
  holding.collected = [];
  return chunks(parts, batch.size);
}

/** Returns events claimed earlier first, then those of the outbox. */
async function next(options: CollectOptions, room: number, holds: boolean): Promise<Page> {
  const { clock, health, holding } = options;
  const [first] = holding.rest;
  if (first === undefined) return claim(options, room, holds);
  const wait = first.notBefore - clock.monotonic();
  if (wait > 0 && holds) return { entries: [], end: 'no-room' };
  if (wait > 0) {
    holding.putDown();
    await health.whileBackingOff(clock.sleep(wait, holding.waits));
    if (holding.waits.aborted) return { entries: [], end: 'empty' };
  }
  const entries = holding.rest.slice(0, room);
  // A lane that holds a batch does not wait for room: the batch goes out first.
  if (holds && entries.some((entry) => entry.held === 0)) return { entries: [], end: 'no-room' };
  if (!(await holding.load(entries))) return { entries: [], end: 'empty' };
  holding.rest = holding.rest.slice(entries.length);
  return { entries: entries.filter(({ settled }) => !settled), end: 'full' };
}

async function claim(options: CollectOptions, room: number, holds: boolean): Promise<Page> {
  const { account, clock, consumer, holding, lane, log, sink, soft } = options;
  let taken = 0;
  let refused = 0;
  const fits = (bytes: number): boolean => {
    if (!account.tryTake(bytes)) {
      refused = bytes;
      return false;
    }
    taken += bytes;
    return true;
  };
  try {
    let claimed = await consumer.claim(lane, room, fits);
    if (claimed.events.length === 0 && refused > 0 && !holds) {
      if (!(await account.take(refused, soft))) return { entries: [], end: 'empty' };
      // The wait was for the first event, so only its bytes are reserved.
      let reserved = refused;
      taken += reserved;
      refused = 0;
      claimed = await consumer.claim(lane, room, (bytes) => {
        if (bytes > reserved) return fits(bytes);
        reserved -= bytes;
        return true;
      });
    }
    const { events, lease } = claimed;
    if (events.length > 0) holding.adopt(lease);
    const entries = events.map((event) => toEntry(event, clock));
    for (const entry of entries) taken -= entry.held;
    account.give(taken);
    taken = 0;
    if (refused > 0) return { entries, end: 'no-room' };
    return { entries, end: events.length >= room ? 'full' : 'empty' };
  } catch (error) {
    account.give(taken);
    if (!holds) throw error;
    // Events already claimed must go out. The next claim fails the same way and backs off.
    log.warn({ sink, err: error }, `the outbox handed out no events: ${messageOf(error)}`);
    return { entries: [], end: 'empty' };
  }
}

/** Resolves to what is to be sent of these. If not all of them could be prepared (`isCut`), the others are the rest. */
async function sortOut(
  entries: readonly Entry[],
  options: CollectOptions,
): Promise<{ parts: Part[]; events: number; isCut: boolean; mayGoOn: boolean }> {
  const { clock, holding, observations, prepare, settling, sink } = options;
  const prepared = await prepare(entries.map(({ text }) => text ?? ''));
  const parts: Part[] = [];
  const settlements: Settlement[] = [];
  let events = 0;
  for (const [index, entry] of entries.entries()) {
    const result = prepared[index];
    if (result === undefined) break;
    if (result.kind === 'send') {
      parts.push(...holding.become(entry, result.events));
      events++;
      continue;
    }
    if (result.kind === 'lost') {
      settlements.push(...lost(entry, result, options));
      continue;
    }
    entry.settled = true;
    holding.drop(entry);
    if (result.kind === 'skip') {
      settlements.push({ id: entry.id, outcome: 'filtered' });
    } else {
      const attempt = { at: clock.now(), error: result.error };
      settlements.push({ id: entry.id, outcome: 'dead', attempt });
    }
  }
  if (observations.withheld.isObserved && settlements.length > 0) {
    const events = () => settlements.map(withheldEvent);
    observations.withheld.publish({ sink, at: clock.now(), events });
  }
  const { tenure } = holding;
  const mayGoOn = tenure === undefined || (await settling.add(tenure.lease, settlements));
  const left = entries.filter(({ settled, parts: { length } }) => !settled && length === 0);
  holding.rest = [...left, ...holding.rest];
  return { parts, events, isCut: left.length > 0, mayGoOn };
}

/** Retries an event after a wait if its transform did not return, unless that happened too often. */
function lost(
  entry: Entry,
  { crashed, error }: Extract<Prepared, { kind: 'lost' }>,
  { clock, health, holding, log, random, retry, sink, soft }: CollectOptions,
): readonly Settlement[] {
  // A stop also ends transforms. That says nothing about the event.
  if (soft.aborted) return [];
  health.failed(error);
  const failure = { message: error, retryable: true, ...(crashed && { crashed }) };
  const settlement = failedOnce(entry, failure, { retry, clock });
  if (entry.settled) {
    holding.drop(entry);
    return [settlement];
  }
  const age = clock.monotonic() - (entry.firstFailure ?? 0);
  const asked = { retryAfter: 0, left: retry.giveUpAfter - age };
  const wait = waitAfter(entry.failures, retry, random, asked);
  entry.notBefore = clock.monotonic() + wait;
  log.warn(
    { sink, retryIn: Math.round(wait), error },
    'the transform of an event failed; retrying',
  );
  return [settlement];
}

/**
 * Resolves to `wanted` if another sink waits for the room that the batch uses; otherwise another claim is worthwhile.
 */
async function moreOr(
  milliseconds: number,
  { account, clock, consumer, holding, lane }: CollectOptions,
): Promise<'more' | 'wanted'> {
  const over = childOf(holding.waits);
  const more = () => 'more' as const;
  void consumer.available(lane, over.signal).then(() => over.abort());
  const wanted = account
    .wanted(over.signal)
    .then(() => (over.signal.aborted ? more() : ('wanted' as const)));
  try {
    return await withinTime(wanted, milliseconds, clock, more);
  } finally {
    over.abort();
    over.release();
  }
}

function chunks(parts: readonly Part[], size: number): Part[][] {
  const batches: Part[][] = [];
  for (let at = 0; at < parts.length; at += size) batches.push(parts.slice(at, at + size));
  return batches;
}
