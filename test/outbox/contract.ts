import { againContract } from './contract-again.js';
import { appendContract } from './contract-append.js';
import { consumerContract } from './contract-consumer.js';
import { shelvesContract } from './contract-shelves.js';
import type { Harness } from './contract-tools.js';

/** What every outbox does, whatever it is made of. */
export function outboxContract(name: string, harness: Harness): void {
  appendContract(name, harness);
  consumerContract(name, harness);
  shelvesContract(name, harness);
  againContract(name, harness);
}
