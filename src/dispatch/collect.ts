import type { Clock } from '../clock.js';
import type { SinkConfig } from '../config/config.js';
import { messageOf } from '../errors.js';
import type { Claimed, Consumer, Settlement } from '../outbox/outbox.js';
import { type Part, toEntry } from './entry.js';
import type { AttemptObserver, DispatchLog, ObservedEvent } from './ports.js';
import type { Prepared } from './prepare.js';
import type { Settle } from './settler.js';
import { childOf } from './signals.js';

export interface CollectOptions {
  readonly sink: string;
  readonly consumer: Consumer;
  readonly lane: number;
  readonly batch: SinkConfig['batch'];
  readonly prepare: (json: string) => Promise<Prepared>;
  readonly settle: Settle;
  readonly clock: Clock;
  readonly log: DispatchLog;
  readonly observer?: AttemptObserver;
  /** Aborted: claims nothing more and does not wait. */
  readonly soft: AbortSignal;
}

/**
 * Claims the next batch of a lane: up to `batch.size` events that the sink wants, and no more once they have `batch.bytes`,
 * waiting up to `batch.wait` milliseconds from the first for the batch to fill. What it does not want is settled on the way
 * and takes no room. Resolves to the batches to deliver: none where there is nothing to claim, several where a transform
 * made more of the events. Rejects as `Consumer.claim` does, but never while it holds anything.
 */
export async function collect(options: CollectOptions): Promise<Part[][]> {
  const { batch, clock, consumer, lane, soft } = options;
  const parts: Part[] = [];
  let held = 0;
  let bytes = 0;
  let deadline: number | undefined;
  while (held < batch.size && !soft.aborted) {
    const room = batch.size - held;
    const claimed = await claim(options, room, held > 0);
    const wanted = await sortOut(claimed, options);
    parts.push(...wanted.parts);
    held += wanted.events;
    if (batch.bytes !== undefined) {
      for (const { event } of wanted.parts) bytes += event.json.length;
      if (bytes >= batch.bytes) break;
    }
    if (held > 0) deadline ??= clock.monotonic() + batch.wait;
    // A page that came back full says nothing about an end of the line: claim on before waiting.
    if (claimed.length >= room) continue;
    if (deadline === undefined) break;
    const left = deadline - clock.monotonic();
    if (left <= 0) break;
    await moreOr(left, consumer, lane, clock, soft);
  }
  return chunks(parts, batch.size);
}

async function claim(
  { consumer, lane, log, sink }: CollectOptions,
  room: number,
  holding: boolean,
): Promise<readonly Claimed[]> {
  try {
    return await consumer.claim(lane, room);
  } catch (error) {
    if (!holding) throw error;
    // What is held was claimed for good and must go out; the next claim meets the same trouble and backs off.
    log.warn({ sink, err: error }, `the outbox handed out no events: ${messageOf(error)}`);
    return [];
  }
}

async function sortOut(
  claimed: readonly Claimed[],
  { clock, observer, prepare, settle, sink }: CollectOptions,
): Promise<{ parts: Part[]; events: number }> {
  const prepared = await Promise.all(claimed.map(({ json }) => prepare(json)));
  const parts: Part[] = [];
  const settlements: Settlement[] = [];
  let events = 0;
  claimed.forEach((one, index) => {
    const result = prepared[index];
    if (result === undefined) return;
    if (result.kind === 'send') {
      const entry = toEntry(one, result.events.length, clock);
      parts.push(...result.events.map((event) => ({ entry, event })));
      events++;
    } else if (result.kind === 'skip') {
      settlements.push({ id: one.id, outcome: 'done' });
    } else {
      const attempt = { at: clock.now(), error: result.error };
      settlements.push({ id: one.id, outcome: 'dead', attempt });
    }
  });
  if (observer?.wanted === true && settlements.length > 0) {
    observer.attempted({ sink, at: clock.now(), ms: 0, events: settlements.map(observed) });
  }
  await settle(settlements);
  return { parts, events };
}

function observed(settlement: Settlement): ObservedEvent {
  const { id } = settlement;
  if (settlement.outcome === 'done') return { id, outcome: 'skipped' };
  return { id, outcome: 'permanent', error: settlement.attempt.error };
}

async function moreOr(
  milliseconds: number,
  consumer: Consumer,
  lane: number,
  clock: Clock,
  soft: AbortSignal,
): Promise<void> {
  const either = childOf(soft);
  try {
    await Promise.race([
      clock.sleep(milliseconds, either.signal),
      consumer.available(lane, either.signal),
    ]);
  } finally {
    either.abort();
    either.release();
  }
}

function chunks(parts: readonly Part[], size: number): Part[][] {
  const batches: Part[][] = [];
  for (let at = 0; at < parts.length; at += size) batches.push(parts.slice(at, at + size));
  return batches;
}
