import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { parseUnit } from '../../config/schema/units.js';
import { systemClock } from '../../core/clock.js';
import { messageOf, TrackbridgeError } from '../../core/errors.js';
import { readTimestamp } from '../../event/timestamp/timestamp.js';
import { type FullReport, publicReport } from '../../parity/report/report.js';
import { type AdminOptions, AdminRefusal, addAdminOptions, adminClient } from '../admin-client.js';
import { type CommandContext, printJson } from '../io.js';
import { printCheck, resultOf } from './check.js';
import { htmlReport } from './html/page.js';
import { printReport } from './terminal.js';

interface SinceOption extends AdminOptions {
  readonly since?: string;
}
interface ReportOptions extends SinceOption {
  readonly json?: true;
  readonly html?: string;
}
interface CheckOptions extends SinceOption {
  readonly minMatch: number;
  readonly json?: true;
}

/** `trackbridge parity`: what a comparison of two sources found. */
export function parityCommand(context: CommandContext): Command {
  return new Command('parity')
    .description('compare the events of two sources')
    .addHelpText(
      'after',
      '\nExample:\n  trackbridge parity report move --since 24h --config trackbridge.yaml\n',
    )
    .addCommand(reportCommand(context))
    .addCommand(checkCommand(context));
}

function reportCommand(context: CommandContext): Command {
  const command = new Command('report')
    .description('show which events both sources delivered, which only one, and which differ')
    .argument('<name>', 'name of the comparison in the section parity')
    .option('--since <time>', SINCE)
    .option('--json', 'print one JSON object')
    .option('--html <file>', 'write one HTML file that needs no network')
    .addHelpText(
      'after',
      '\nExample:\n  trackbridge parity report move --since 24h --html move.html --config trackbridge.yaml\n',
    )
    .action(async (name: string, options: ReportOptions) => {
      if (options.json && options.html !== undefined) {
        throw new TrackbridgeError(
          'CONFIG_INVALID',
          '--json and --html exclude each other; drop one',
        );
      }
      const report = await read(name, options, context);
      if (options.json) return printJson(publicReport(report), context);
      if (options.html === undefined) return printReport(report, context);
      write(options.html, htmlReport(report));
      context.out.write(`wrote ${options.html}\n`);
    });
  return addAdminOptions(command);
}

function checkCommand(context: CommandContext): Command {
  const command = new Command('check')
    .description('exit with 1 if fewer events match than required, and say what to fix first')
    .argument('<name>', 'name of the comparison in the section parity')
    .requiredOption('--min-match <percent>', 'required percentage of matching events', percentOf)
    .option('--since <time>', SINCE)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  trackbridge parity check move --min-match 99.9 --since 24h --config trackbridge.yaml\n',
    )
    .action(async (name: string, options: CheckOptions) => {
      const result = resultOf(await read(name, options, context), options.minMatch);
      if (options.json) printJson(result, context);
      else printCheck(result, context);
      if (!result.passed) context.fail();
    });
  return addAdminOptions(command);
}

const SINCE =
  'only events that arrived since then: a duration such as 24h, or a time such as 2026-05-09T12:00:00Z (default: everything kept, up to 8 days)';

async function read(
  name: string,
  { since, ...options }: SinceOption,
  context: CommandContext,
): Promise<FullReport> {
  const query = since === undefined ? '' : `?since=${encodeURIComponent(sinceOf(since))}`;
  const path = `/api/parity/${encodeURIComponent(name)}${query}`;
  try {
    return (await adminClient(options, context).get(path)) as FullReport;
  } catch (error) {
    // A name that does not exist is wrong usage; any other answer is a failure.
    if (!(error instanceof AdminRefusal) || error.status !== 404) throw error;
    throw new TrackbridgeError('CONFIG_INVALID', error.message);
  }
}

function sinceOf(text: string): string {
  const ago = parseUnit(text, 'duration');
  const at = ago === undefined ? readTimestamp(text) : systemClock.now() - ago;
  if (at !== undefined) return new Date(at).toISOString();
  throw new TrackbridgeError(
    'CONFIG_INVALID',
    '--since must be a duration such as 24h, or a time such as 2026-05-09T12:00:00Z',
  );
}

function percentOf(text: string): number {
  const percent = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && percent <= 100) return percent;
  throw new TrackbridgeError('CONFIG_INVALID', '--min-match must be a percentage from 0 to 100');
}

function write(file: string, text: string): void {
  try {
    // The report quotes events.
    writeFileSync(file, text, { mode: 0o600 });
  } catch (error) {
    throw new Error(`${file} cannot be written: ${messageOf(error)}`);
  }
}
