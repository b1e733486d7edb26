import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { loadConfig } from '../../config/load.js';
import { systemClock } from '../../core/clock.js';
import { TrackbridgeError } from '../../core/errors.js';
import { oneLine } from '../../core/printable.js';
import type { BackupState } from '../../outbox/backup.js';
import { copyStopped, writeBackup } from '../../outbox/sqlite/health/backup-file.js';
import { checkStore } from '../../outbox/sqlite/health/check.js';
import {
  type AdminClient,
  type AdminOptions,
  addAdminOptions,
  adminClient,
} from '../admin-client.js';
import { type CommandContext, printJson } from '../io.js';

type BackupOptions = AdminOptions & { readonly force?: true; readonly json?: true };

/** How often to ask how far the receiver is, in milliseconds. */
const ASK_EVERY = 500;

/** `trackbridge outbox backup`: copies the store of a running or stopped receiver. */
export function backupCommand(context: CommandContext): Command {
  const command = new Command('backup')
    .description('copy the store of a running or stopped receiver into a file')
    .argument('<file>', 'where to write the copy')
    .option('--force', 'replace the file if it exists')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nA running receiver goes on accepting events. The copy holds everything that was acknowledged before the command began.\n' +
        'It is written under a temporary name, checked as by outbox check, flushed and renamed, with a mark beside it.\n' +
        'Back up a PostgreSQL store with pg_dump or base backups.\n' +
        '\nExample:\n  trackbridge outbox backup backups/outbox.db --config trackbridge.yaml\n',
    )
    .action((file: string, options: BackupOptions) => backUp(file, options, context));
  return addAdminOptions(command);
}

async function backUp(
  file: string,
  options: BackupOptions,
  context: CommandContext,
): Promise<void> {
  const path = options.admin === undefined ? stoppedStore(options, context) : undefined;
  if (path !== undefined && resolve(path) === resolve(file)) {
    throw new TrackbridgeError('CONFIG_INVALID', 'this is the store itself; name another file');
  }
  // A receiver that runs has the store open, and nobody else can read it.
  const isStopped = path !== undefined && checkStore(path).state !== 'in use';
  const report = await writeBackup(file, options.force === true, (draft) =>
    isStopped ? copyStopped(path, draft) : download(adminClient(options, context), draft),
  );
  const { content, size } = report;
  const from = isStopped ? 'stopped' : 'running';
  const events = content?.events ?? 0;
  const bytes = size?.database ?? 0;
  if (options.json) printJson({ file, from, bytes, content }, context);
  else context.out.write(`${file}: ${events} events, ${bytes} bytes, checked\n`);
  for (const warning of report.warnings) {
    if (!warning.includes('-mark')) context.err.write(`trackbridge: ${oneLine(warning)}\n`);
  }
}

/** Returns the path of the configured store. Throws CONFIG_INVALID if its engine has no file. */
function stoppedStore({ config: file }: BackupOptions, context: CommandContext): string {
  const { outbox } = loadConfig({ file, env: context.env, keepSecrets: false }).config;
  if (outbox.type === 'sqlite') return outbox.path;
  const instead =
    outbox.type === 'postgres'
      ? `back it up with pg_dump --schema=${outbox.schema}, or with the server's base backups`
      : 'it keeps nothing';
  throw new TrackbridgeError('CONFIG_INVALID', `outbox.type is ${outbox.type}: ${instead}`);
}

/** Lets the running receiver copy its store, and fetches the copy. */
async function download(client: AdminClient, draft: string): Promise<void> {
  await client.post('/api/outbox/backup', {});
  for (;;) {
    const state = (await client.get('/api/outbox/backup')) as BackupState;
    if (state.state === 'copied') break;
    if (state.state !== 'copying') {
      const why = state.state === 'failed' ? state.reason : 'another command has taken it';
      throw new Error(
        `the receiver could not copy its store (${why}); check the space on its disk`,
      );
    }
    await systemClock.sleep(ASK_EVERY);
  }
  const { signal } = new AbortController();
  const copy = await client.stream('/api/outbox/backup/file', signal);
  await pipeline(copy, createWriteStream(draft, { flags: 'r+' }));
}
