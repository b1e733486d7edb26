import { messageOf, TrackbridgeError } from '../core/errors.js';
import type {
  DeadLetter,
  DeadLetterStore,
  KeptDeadLetters,
  Quarantined,
} from '../outbox/entries.js';

/** The result of replaying one page of entries. */
interface Replayed {
  readonly replayed: number;
  /** Why the other entries were not replayed, one line each. */
  readonly errors: readonly string[];
}

/** Replays the entries of one request, page by page. */
export type Replay<Entry> = (entries: readonly Entry[]) => Promise<Replayed>;

/** Requeues dead letters. A sink without room is not tried again: it would be found full for every page. */
export function replayDeadLetters(
  deadLetters: Pick<DeadLetterStore, 'requeue'>,
): Replay<DeadLetter> {
  const without = new Set<string>();
  return async (letters) => {
    const wanted = letters.filter(({ sink }) => !without.has(sink));
    if (wanted.length === 0) return { replayed: 0, errors: [] };
    const { requeued, kept } = await deadLetters.requeue(wanted.map(({ id }) => id));
    for (const { sink, why } of kept) if (why !== 'garbled') without.add(sink);
    return { replayed: requeued, errors: kept.map(reasonOf) };
  };
}

function reasonOf({ sink, events, why }: KeptDeadLetters): string {
  switch (why) {
    case 'full':
      return `sink ${sink} has too many pending events (maxPending); replay the rest later`;
    case 'not configured':
      return `sink ${sink} is not configured; add it to the configuration to replay its dead letters`;
    case 'garbled':
      return `${events} of sink ${sink} are damaged: their checksums do not match; purge them`;
  }
}

/** Accepts quarantined events one by one, until the outbox is full. */
export function replayQuarantine(
  accept: (entry: Quarantined) => Promise<void>,
): Replay<Quarantined> {
  let isFull = false;
  return async (entries) => {
    let replayed = 0;
    const errors: string[] = [];
    for (const entry of entries) {
      if (isFull) break;
      try {
        await accept(entry);
        replayed++;
      } catch (error) {
        isFull = error instanceof TrackbridgeError && error.code === 'OUTBOX_FULL';
        errors.push(isFull ? messageOf(error) : `${entry.id}: ${messageOf(error)}`);
      }
    }
    return { replayed, errors };
  };
}
