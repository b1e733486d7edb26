import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { every } from '../clock.js';
import { type ChildArguments, OUT_OF_MEMORY } from './messages.js';

const CHECK_EVERY = 100;
const STANDARD_ERROR = 2;

// Its timer does not keep the thread alive; this does.
parentPort?.on('message', () => undefined);

const { parent, residentMb } = workerData as ChildArguments;

/** The entry of a thread that ends its process if the parent is gone or the process holds too much memory. */
every(CHECK_EVERY, () => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  if (process.memoryUsage.rss() <= residentMb * 2 ** 20) return;
  writeSync(STANDARD_ERROR, `${OUT_OF_MEMORY} ${residentMb} MB\n`);
  process.kill(process.pid, 'SIGKILL');
});
