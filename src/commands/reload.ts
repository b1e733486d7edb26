import { Command } from 'commander';
import { describeReload, type ReloadReport } from '../config/reload.js';
import { TrackbridgeError, type Violation } from '../core/errors.js';
import { oneLine, printable } from '../core/printable.js';
import { type AdminOptions, AdminRefusal, addAdminOptions, adminClient } from './admin-client.js';
import { type CommandContext, printJson } from './io.js';

/** `trackbridge reload`: applies a changed configuration to a running receiver. */
export function reloadCommand(context: CommandContext): Command {
  const command = new Command('reload')
    .description('apply a changed configuration to a running receiver')
    .option('--json', 'print what has changed as JSON')
    .addHelpText(
      'after',
      '\nThe receiver reads its configuration file again and applies all of it, or rejects it and changes nothing.\n' +
        'Settings that need a restart are listed. SIGHUP does the same.\n' +
        '\nExample:\n  trackbridge reload --config trackbridge.yaml\n',
    )
    .action((options: AdminOptions & { readonly json?: true }) => reload(options, context));
  return addAdminOptions(command);
}

async function reload(
  options: AdminOptions & { readonly json?: true },
  context: CommandContext,
): Promise<void> {
  try {
    const answer = await adminClient(options, context).post('/api/reload', {});
    const report = answer as ReloadReport;
    if (options.json) return printJson(report, context);
    for (const warning of report.warnings) {
      context.err.write(`trackbridge: warning: ${oneLine(warning)}\n`);
    }
    context.out.write(`${printable(describeReload(report))}\n`);
  } catch (error) {
    throw rejectionOf(error, context);
  }
}

/** Prints all errors but the last, one line each, and returns the last one, which the caller prints. */
function rejectionOf(error: unknown, context: CommandContext): unknown {
  const errors = errorsOf(error);
  const last = errors.at(-1);
  if (last === undefined) return error;
  for (const { message } of errors.slice(0, -1)) {
    context.err.write(`trackbridge: ${oneLine(message)}\n`);
  }
  return new TrackbridgeError('CONFIG_INVALID', last.message);
}

function errorsOf(error: unknown): readonly Violation[] {
  if (error instanceof TrackbridgeError) return error.errors ?? [];
  return error instanceof AdminRefusal && error.status === 422 ? error.errors : [];
}
