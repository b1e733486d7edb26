import type { Row } from '../row.js';
import { clockOff } from './rows/clock-off.js';
import { disagreement } from './rows/disagreement.js';
import { dispatcherKilled } from './rows/dispatcher-killed.js';
import { dispatcherStopped } from './rows/dispatcher-stopped.js';
import { foreignTransaction } from './rows/foreign-transaction.js';
import { receiversKilled } from './rows/receivers-killed.js';
import { rollingRestart } from './rows/rolling-restart.js';
import { storeRestarted } from './rows/store-restarted.js';

/** All rows of stores in PostgreSQL, in the order of the table. */
export const POSTGRES_ROWS: readonly Row[] = [
  receiversKilled,
  dispatcherKilled,
  dispatcherStopped,
  clockOff,
  rollingRestart,
  storeRestarted,
  disagreement,
  foreignTransaction,
];
