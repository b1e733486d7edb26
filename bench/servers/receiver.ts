import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Role } from '../../src/outbox/role.js';
import { SECRET } from '../secret.js';
import { makeDirectory, type RunningServer, spawnServer } from './server.js';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export interface ReceiverOptions {
  readonly sinks?: object;
  /** More settings of the configuration's `server` and `outbox`. */
  readonly server?: object;
  readonly outbox?: object;
  readonly unsigned?: boolean;
  /** `--role` of `serve`; absent, that of a receiver whose store is its own. */
  readonly role?: Role;
  readonly cores?: string;
  /** A directory with a store; absent, a new one. */
  readonly directory?: string;
}

/** Starts the built program. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<RunningServer> {
  const { cores, outbox = {}, role, sinks = {} } = options;
  const directory = options.directory ?? makeDirectory();
  const signature = { scheme: 'segment-signature', secrets: [SECRET] };
  const config = {
    server: { port: 0, ...options.server },
    outbox: role === undefined ? { path: './outbox.db', ...outbox } : outbox,
    sources: {
      segment: {
        type: 'segment',
        path: '/segment',
        verify: options.unsigned === true ? { scheme: 'none' } : signature,
      },
      rudderstack: {
        type: 'rudderstack',
        path: '/rudderstack',
        verify: { scheme: 'shared-secret', secrets: [SECRET] },
      },
    },
    sinks,
  };
  writeFileSync(join(directory, 'trackbridge.json'), JSON.stringify(config));
  return await spawnServer({
    command: [process.execPath, CLI, 'serve', '--config', 'trackbridge.json'].concat(
      role === undefined ? [] : ['--role', role],
    ),
    // A process that only dispatches has no port.
    listening: role === 'dispatch' ? /"msg":"(delivering)"/ : /"port":(\d+)[^\n]*"msg":"listening"/,
    directory,
    keep: options.directory !== undefined,
    ...(cores === undefined ? {} : { cores }),
  });
}
