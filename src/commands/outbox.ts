import { Command, Option } from 'commander';
import { systemClock } from '../clock.js';
import { loadConfig } from '../config/load.js';
import { TrackbridgeError } from '../errors.js';
import { checkStore, type StoreReport } from '../outbox/sqlite-check.js';
import { printable } from '../sinks/printable.js';
import { type CommandContext, EXIT, oneLine, printJson, printTable } from './io.js';

interface CheckOptions {
  readonly config?: string;
  readonly path?: string;
  readonly json?: true;
}

/** `trackbridge outbox`: what can be done with an outbox while no receiver has it open. */
export function outboxCommand(context: CommandContext): Command {
  const command = new Command('outbox')
    .description('look after the outbox of a stopped receiver')
    .addHelpText('after', '\nExample:\n  trackbridge outbox check --config trackbridge.yaml\n');
  command.addCommand(
    new Command('check')
      .description('say whether the outbox is sound and what is in it; changes nothing')
      .option('--config <file>', 'check the outbox of this configuration')
      .addOption(
        new Option(
          '--path <file>',
          'check this one; without either it is data/outbox.db',
        ).conflicts('config'),
      )
      .option('--json', 'as one JSON object')
      .addHelpText(
        'after',
        '\nExits with 0 where it is sound, and with 1 where it is not, where there is none yet, or while a receiver has it\n' +
          'open. Reads all of it, which takes a while where it is large.\n' +
          '\nExample:\n  trackbridge outbox check --config trackbridge.yaml\n',
      )
      .action((options: CheckOptions) => check(options, context)),
  );
  return command;
}

function check(options: CheckOptions, context: CommandContext): void {
  const path = options.path ?? configuredPath(options.config, context);
  const report = checkStore(path);
  if (options.json) printJson({ path, ...report }, context);
  else printReport(path, report, context);
  const missing = `there is no outbox at ${path}; the receiver makes one at its first start`;
  const problems = report.state === 'missing' ? [missing] : report.problems;
  for (const problem of problems) context.err.write(`trackbridge: ${oneLine(problem)}\n`);
  for (const warning of report.warnings) {
    context.err.write(`trackbridge: warning: ${oneLine(warning)}\n`);
  }
  if (report.state !== 'sound') process.exitCode = EXIT.failure;
}

function configuredPath(file: string | undefined, context: CommandContext): string {
  const { outbox } = loadConfig({ file, env: context.env, keepSecrets: false }).config;
  if (outbox.type === 'sqlite') return outbox.path;
  throw new TrackbridgeError(
    'CONFIG_INVALID',
    `outbox.type is ${outbox.type}, which keeps no file; name one with --path`,
  );
}

function printReport(path: string, report: StoreReport, context: CommandContext): void {
  const { state, size, mark, content } = report;
  if (state !== 'sound' && state !== 'damaged') return;
  const rows: [string, string][] = [
    ['outbox', path],
    ['state', state],
  ];
  if (size !== undefined) {
    rows.push(['size', `${size.database} bytes, and ${size.wal} in its -wal`]);
  }
  if (mark !== undefined) rows.push(['mark', markText(mark)]);
  if (content !== undefined) {
    rows.push(
      ['schema', String(content.schemaVersion)],
      ['last position', String(content.lastPosition)],
      ['events kept', String(content.events)],
      ['dead letters', String(content.deadLetters)],
      ['in quarantine', String(content.inQuarantine)],
    );
  }
  printTable(
    rows.map((row) => row.map((cell) => printable(cell))),
    context,
  );
  if (content === undefined || content.sinks.length === 0) return;
  context.out.write('\n');
  const sinks = content.sinks.map((sink) => [
    printable(sink.name),
    sink.configured ? 'yes' : 'no',
    String(sink.pending),
    sink.oldestReceivedAt === undefined ? '' : age(sink.oldestReceivedAt),
    String(sink.delivered),
    String(sink.deadLetters),
  ]);
  printTable([['SINK', 'CONFIGURED', 'PENDING', 'OLDEST', 'SETTLED', 'DEAD'], ...sinks], context);
}

function markText(mark: NonNullable<StoreReport['mark']>): string {
  if (mark === 'none') return 'none: a loss of acknowledged events would not be noticed';
  if (mark === 'unreadable') return 'unreadable';
  const end = mark.closed ? 'closed in order' : 'not closed in order';
  return `position ${mark.tail}, ${mark.quarantined} ever in quarantine, ${end}`;
}

function age(since: number): string {
  return `${Math.max(0, Math.round((systemClock.now() - since) / 1000))}s`;
}
