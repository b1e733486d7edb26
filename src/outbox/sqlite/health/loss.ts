import { basename } from 'node:path';
import { TrackbridgeError } from '../../../core/errors.js';
import type { KnownStore } from '../thread/messages.js';
import { type Mark, markPath } from './mark.js';

/** The progress of a store by its own record. */
export interface Progress {
  /** Empty if the store is older than store ids. */
  readonly store: string;
  readonly tail: number;
  readonly quarantined: number;
}

/**
 * Compares a store with its mark. Returns warnings for the operator if the store can continue. Throws OUTBOX_CORRUPT if
 * anything acknowledged is missing, or if this is another store.
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
      `${markName} cannot be read and is rewritten; ${name} may have lost events before this start`,
    ];
  }
  if (progress.store !== '' && mark.store !== progress.store) {
    throw new TrackbridgeError(
      'OUTBOX_CORRUPT',
      `${name} or its -wal belongs to another store (${markName} names the one that was here); restore that one, or ` +
        `remove ${markName} to continue with this one`,
    );
  }
  const lost = lostOf(mark, progress);
  if (lost === '') return [];
  if (mark.durability === 'normal' && !mark.closed) {
    return [
      `${name} has lost ${lost} that were acknowledged: durability "normal" allows that in a power failure. ` +
        'Without one, its -wal was damaged. Continuing without them',
    ];
  }
  throw new TrackbridgeError(
    'OUTBOX_CORRUPT',
    `${name} lacks ${lost} that were acknowledged, its -wal is missing or damaged, or it is an older copy; put the -wal or ` +
      `a newer backup, or remove ${markName} to continue without them`,
  );
}

/**
 * Detects the result of a checkpoint that was killed halfway and whose -wal is gone: consistent old pages mixed with
 * newer ones. `missing` is the number of missing events. Throws OUTBOX_CORRUPT if the mark says that the store was not
 * closed in order. If it was, or if there is no mark, the operator knows of the gap.
 */
export function refuseGap(path: string, mark: Mark | 'none' | 'unreadable', missing: number): void {
  if (typeof mark === 'string' || mark.closed || missing <= 0) return;
  const [name, markName] = [basename(path), basename(markPath(path))];
  throw new TrackbridgeError(
    'OUTBOX_CORRUPT',
    `${name} lacks ${counted(missing, 'event', 'events')} that were not delivered yet; restore its -wal or a backup, or ` +
      `remove ${markName} to continue without them`,
  );
}

/** The store is gone but its mark exists. Starting an empty store would hide that. Throws OUTBOX_CORRUPT then. */
export function refuseMissing(path: string, mark: Mark | 'none' | 'unreadable'): void {
  if (mark === 'none') return;
  // A store that never accepted anything is no loss.
  if (mark !== 'unreadable' && mark.tail + mark.quarantined === 0) return;
  const [name, markName] = [basename(path), basename(markPath(path))];
  throw new TrackbridgeError(
    'OUTBOX_CORRUPT',
    `${name} is missing but ${markName} exists; restore ${name}, or remove ${markName} to start empty`,
  );
}

/** The store that this process had open is gone. An empty store would hide that. Throws OUTBOX_CORRUPT. */
export function refuseGone(path: string): never {
  const name = basename(path);
  throw new TrackbridgeError(
    'OUTBOX_CORRUPT',
    `${name} is missing; restore it with its -wal, or stop the receiver, move ${name}-* away and start it again to start empty`,
  );
}

/** Throws OUTBOX_CORRUPT if this is not the store that this process had open, or an older copy of it. */
export function refuseOther(path: string, known: KnownStore, progress: Progress): void {
  const [name, markName] = [basename(path), basename(markPath(path))];
  if (progress.store !== known.id) {
    throw new TrackbridgeError(
      'OUTBOX_CORRUPT',
      `${name} is not the store that was here before; restore that one, or stop the receiver, remove ` +
        `${markName} and start it again to continue with this one`,
    );
  }
  const missing = counted(known.tail - progress.tail, 'event', 'events');
  if (missing === '') return;
  throw new TrackbridgeError(
    'OUTBOX_CORRUPT',
    `${name} lacks ${missing} that were acknowledged; restore its -wal or the newer file, or stop the receiver, remove ` +
      `${markName} and start it again to continue without them`,
  );
}

/** Describes what `progress` lacks compared with `mark`; empty if nothing. */
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
