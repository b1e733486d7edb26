import type { Row } from '../row.js';
import { clockOff } from './rows/clock-off.js';
import { disagreement } from './rows/disagreement.js';
import { dispatcherKilled } from './rows/dispatcher-killed.js';
import { dispatcherStopped } from './rows/dispatcher-stopped.js';
import { foreignTransaction } from './rows/foreign-transaction.js';
import { hotUser } from './rows/hot-user.js';
import { networkLost } from './rows/network-lost.js';
import { powerCut } from './rows/power-cut.js';
import { receiversKilled } from './rows/receivers-killed.js';
import { rollingRestart } from './rows/rolling-restart.js';
import { standbyPromoted } from './rows/standby-promoted.js';
import { storeDiskFull } from './rows/store-disk-full.js';
import { storeRestarted } from './rows/store-restarted.js';

/** All rows of stores in PostgreSQL, in the order of the table. */
export const POSTGRES_ROWS: readonly Row[] = [
  receiversKilled,
  dispatcherKilled,
  dispatcherStopped,
  clockOff,
  rollingRestart,
  storeRestarted,
  standbyPromoted,
  powerCut,
  networkLost,
  storeDiskFull,
  disagreement,
  foreignTransaction,
  hotUser,
];
