import { appendContract } from './append.js';
import { boundsContract } from './bounds.js';
import { configureContract } from './configure.js';
import { consumerContract } from './consumer.js';
import { entriesContract } from './entries.js';
import { leaseContract } from './lease.js';
import { limitsContract } from './limits.js';
import { operatorContract } from './operator.js';
import { requeueContract } from './requeue.js';
import { settledContract } from './settled.js';
import { startContract } from './start.js';
import type { Harness } from './tools.js';

/** What every outbox does, whatever it is made of. */
export function outboxContract(name: string, harness: Harness): void {
  appendContract(name, harness);
  consumerContract(name, harness);
  leaseContract(name, harness);
  settledContract(name, harness);
  entriesContract(name, harness);
  requeueContract(name, harness);
  limitsContract(name, harness);
  boundsContract(name, harness);
  operatorContract(name, harness);
  startContract(name, harness);
  configureContract(name, harness);
}
