import { basename } from 'node:path';
import { TrackbridgeError } from '../errors.js';
import { type Mark, markPath } from './sqlite-mark.js';

/** How far a store has come by its own account. */
export interface Progress {
  /** Empty where it is older than ids of stores. */
  readonly store: string;
  readonly tail: number;
  readonly quarantined: number;
}

/**
 * Holds a store to its mark. Returns what the operator should know though it can go on; throws OUTBOX_CORRUPT where
 * something that was acknowledged is missing, or where it is not the store that was here.
 */
export function refuseLoss(
  path: string,
  mark: Mark | 'none' | 'unreadable',
  progress: Progress,
): string[] {
  const [name, markName] = [basename(path), basename(markPath(path))];
  if (mark === 'none') return [];
  if (mark === 'unreadable') {
    return [
      `${markName} cannot be read and is written anew; whether ${name} has lost events before this start is not known`,
    ];
  }
  if (progress.store !== '' && mark.store !== progress.store) {
    throw new TrackbridgeError(
      'OUTBOX_CORRUPT',
      `${name} or its -wal is not of the store that was here before (${markName} names another); put that one back, or ` +
        `remove ${markName} to go on with this one`,
    );
  }
  const lost = lostOf(mark, progress);
  if (lost === '') return [];
  if (mark.durability === 'normal' && !mark.closed) {
    return [
      `${name} has lost ${lost} that were acknowledged: durability "normal" allows that in a power cut, ` +
        'and if there was none, its -wal was damaged; going on without them',
    ];
  }
  throw new TrackbridgeError(
    'OUTBOX_CORRUPT',
    `${name} lacks ${lost} that were acknowledged, its -wal is missing or damaged, or it is an older copy; put the -wal or ` +
      `a newer backup back, or remove ${markName} to go on without them`,
  );
}

/**
 * What a checkpoint leaves that was killed half-way where its -wal is gone then: old pages that fit together with newer
 * ones. `missing` is how many events are not there. Throws OUTBOX_CORRUPT where the mark says that the store was not closed
 * in order; where it was, or without a mark, the operator knows of the gap.
 */
export function refuseGap(path: string, mark: Mark | 'none' | 'unreadable', missing: number): void {
  if (typeof mark === 'string' || mark.closed || missing <= 0) return;
  const [name, markName] = [basename(path), basename(markPath(path))];
  throw new TrackbridgeError(
    'OUTBOX_CORRUPT',
    `${name} lacks ${counted(missing, 'event', 'events')} that were not delivered yet; put its -wal or a backup back, or ` +
      `remove ${markName} to go on without them`,
  );
}

/** The store is gone and its mark is not: starting an empty one would hide that. Throws OUTBOX_CORRUPT then. */
export function refuseMissing(path: string, mark: Mark | 'none' | 'unreadable'): void {
  if (mark === 'none') return;
  // Nobody misses a store that has never taken anything.
  if (mark !== 'unreadable' && mark.tail + mark.quarantined === 0) return;
  const [name, markName] = [basename(path), basename(markPath(path))];
  throw new TrackbridgeError(
    'OUTBOX_CORRUPT',
    `${name} is gone but ${markName} is there; put ${name} back, or remove ${markName} to start empty`,
  );
}

/** What `progress` lacks of `mark`, in words; empty where nothing. */
function lostOf(mark: Mark, progress: Progress): string {
  return [
    counted(mark.tail - progress.tail, 'event', 'events'),
    counted(mark.quarantined - progress.quarantined, 'quarantined entry', 'quarantined entries'),
  ]
    .filter((text) => text !== '')
    .join(' and ');
}

function counted(count: number, one: string, many: string): string {
  if (count <= 0) return '';
  return `${count} ${count === 1 ? one : many}`;
}
