import type { OutboxConfig } from '../config/config.js';
import { MemoryOutbox } from './memory.js';
import type { Outbox } from './outbox.js';
import { type OutboxDeps, SqliteOutbox } from './sqlite.js';

/** The outbox that the configuration asks for, not open yet. */
export function createOutbox(config: OutboxConfig, deps: OutboxDeps): Outbox {
  switch (config.type) {
    case 'sqlite':
      return new SqliteOutbox(config, deps);
    case 'memory':
      return new MemoryOutbox(config, deps);
  }
}
