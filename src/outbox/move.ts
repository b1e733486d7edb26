import type { DeadLetter, Quarantined } from './entries.js';
import type { Attempt } from './feed.js';
import { unauthenticatedWeight } from './unauthenticated.js';

/** What an engine reads its store with, to move it to another one. Nobody else may have the store open. */
export interface MoveSource {
  summary(): Promise<MoveSummary>;
  /** Every stored event, in the order of delivery. */
  events(): AsyncIterable<readonly MovedEvent[]>;
  /** The known ids. If an id comes twice, the later one counts. */
  seen(): AsyncIterable<readonly MovedId[]>;
  deadLetters(): AsyncIterable<readonly MovedLetter[]>;
  quarantine(): AsyncIterable<readonly Omit<Quarantined, 'id'>[]>;
  /** Marks the store as moved: no receiver starts on it from then on. */
  retire(): Promise<void>;
  close(): Promise<void>;
}

/** What an engine fills an empty store with. */
export interface MoveTarget {
  /** Resolves to how many events an interrupted move has written already. */
  begin(summary: MoveSummary): Promise<number>;
  events(events: readonly MovedEvent[], first: number): Promise<void>;
  seen(ids: readonly MovedId[]): Promise<void>;
  deadLetters(letters: readonly MovedLetter[]): Promise<void>;
  quarantine(entries: readonly Omit<Quarantined, 'id'>[]): Promise<void>;
  /** Writes how far each sink is. From then on the store can be opened. */
  finish(summary: MoveSummary, sinks: ReadonlyMap<string, MovedProgress>): Promise<void>;
  close(): Promise<void>;
}

export interface MoveSummary {
  /** The id of the store, which it keeps. */
  readonly id: string;
  readonly accepted: number;
  readonly duplicates: number;
  readonly quarantined: number;
  readonly sinks: readonly MovedSink[];
}

interface MovedSink {
  readonly name: string;
  readonly active: boolean;
  readonly paused: boolean;
  readonly delivered: number;
  readonly filtered: number;
  readonly discarded: number;
}

export interface MovedEvent {
  readonly orderKey: string;
  readonly receivedAt: number;
  readonly json: string;
  /** Absent for all. */
  readonly onlySink?: string;
  /** The sinks that have not settled it, with their failed attempts. */
  readonly pending: readonly { readonly sink: string; readonly attempts: readonly Attempt[] }[];
}

export interface MovedId {
  /** 32 hexadecimal digits. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly authenticated: boolean;
}

export type MovedLetter = Omit<DeadLetter, 'id'> & { readonly orderKey: string };

/** How far a sink is in the moved events, which are counted from 1. */
export interface MovedProgress {
  /** Everything up to here is settled. */
  position: number;
  /** What is settled above it. */
  settled: number[];
  pending: number;
}

/** What was moved, or would be. */
export interface MoveReport {
  readonly events: number;
  readonly ids: number;
  readonly deadLetters: number;
  readonly inQuarantine: number;
  readonly sinks: readonly { readonly name: string; readonly pending: number }[];
}

/**
 * Moves a store, or only counts what is in it if there is no target. The next run continues an interrupted move: the
 * source stays as it is until everything is written.
 */
export async function moveStore(
  source: MoveSource,
  target: MoveTarget | undefined,
  onProgress: (events: number) => void,
): Promise<MoveReport> {
  const summary = await source.summary();
  const written = (await target?.begin(summary)) ?? 0;
  const progress = new Map<string, MovedProgress>(
    summary.sinks.map(({ name }) => [name, { position: 0, settled: [], pending: 0 }]),
  );
  let events = 0;
  for await (const chunk of source.events()) {
    for (const [at, event] of chunk.entries()) follow(progress, event, events + at + 1);
    const left = chunk.slice(Math.max(0, written - events));
    if (left.length > 0) await target?.events(left, events + chunk.length - left.length + 1);
    events += chunk.length;
    onProgress(events);
  }
  const counts = {
    ids: await each(source.seen(), (ids) => target?.seen(ids)),
    deadLetters: await each(source.deadLetters(), (letters) => target?.deadLetters(letters)),
    inQuarantine: await each(source.quarantine(), (entries) => target?.quarantine(entries)),
  };
  if (target !== undefined) {
    await target.finish(summary, progress);
    await source.retire();
  }
  const sinks = [...progress].map(([name, { pending }]) => ({ name, pending }));
  return { events, ...counts, sinks };
}

/** Notes whether each sink has settled an event. */
function follow(
  progress: ReadonlyMap<string, MovedProgress>,
  { onlySink, pending }: MovedEvent,
  position: number,
): void {
  for (const [name, own] of progress) {
    if (pending.some(({ sink }) => sink === name)) own.pending += 1;
    else if (own.pending === 0) own.position = position;
    else if (onlySink === undefined || onlySink === name) own.settled.push(position);
  }
}

async function each<T>(
  chunks: AsyncIterable<readonly T[]>,
  write: (chunk: readonly T[]) => Promise<void> | undefined,
): Promise<number> {
  let count = 0;
  for await (const chunk of chunks) {
    await write(chunk);
    count += chunk.length;
  }
  return count;
}

/** Adds an entry to what the quarantine holds of its source. */
export function countQuarantined(
  counts: Map<string, { entries: number; weight: number }>,
  entry: Omit<Quarantined, 'id'>,
): void {
  const count = counts.get(entry.source) ?? { entries: 0, weight: 0 };
  count.entries += 1;
  count.weight += unauthenticatedWeight(entry);
  counts.set(entry.source, count);
}
