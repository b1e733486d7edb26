import type { Row } from './row.js';
import { attacked } from './rows/attacked.js';
import { clockJumps } from './rows/clock-jumps.js';
import { diskFull } from './rows/disk-full.js';
import { diskStalls } from './rows/disk-stalls.js';
import { killed } from './rows/killed.js';
import { largeEvents } from './rows/large-events.js';
import { outboxFull } from './rows/outbox-full.js';
import { retries } from './rows/retries.js';
import { sinkByScript } from './rows/sink-by-script.js';
import { sinkDayDown } from './rows/sink-day-down.js';
import { sinkMisbehaves } from './rows/sink-misbehaves.js';
import { stopped } from './rows/stopped.js';
import { storeDamaged } from './rows/store-damaged.js';
import { storeRemoved } from './rows/store-removed.js';
import { workersKilled } from './rows/workers-killed.js';

/** All rows, in the order of the table. */
export const ROWS: readonly Row[] = [
  killed,
  workersKilled,
  stopped,
  diskFull,
  diskStalls,
  storeDamaged,
  storeRemoved,
  outboxFull,
  retries,
  sinkDayDown,
  sinkByScript,
  sinkMisbehaves,
  largeEvents,
  clockJumps,
  attacked,
];
