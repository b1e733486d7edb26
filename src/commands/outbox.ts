import { Command, Option } from 'commander';
import { loadConfig } from '../config/load.js';
import { systemClock } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';
import { oneLine, printable } from '../core/printable.js';
import { type MoveReport, type MoveTarget, moveStore } from '../outbox/move.js';
import { openMoveSource, openMoveTarget } from '../outbox/registry.js';
import { checkStore, type StoreReport } from '../outbox/sqlite/health/check.js';
import { type CommandContext, printJson, printTable } from './io.js';
import { backupCommand } from './outbox/backup.js';

interface CheckOptions {
  readonly config?: string;
  readonly path?: string;
  readonly json?: true;
}

interface MigrateOptions {
  readonly config: string;
  readonly to: 'postgres' | 'sqlite';
  readonly with: string;
  readonly dryRun?: true;
  readonly json?: true;
}

/** How many events there are between two lines of progress. */
const TELL_EVERY = 100_000;

/** `trackbridge outbox`: operations on the whole outbox. */
export function outboxCommand(context: CommandContext): Command {
  const command = new Command('outbox')
    .description('check, back up or move an outbox')
    .addHelpText('after', '\nExample:\n  trackbridge outbox check --config trackbridge.yaml\n');
  command.addCommand(
    new Command('check')
      .description('verify a store and print its content; changes nothing')
      .option('--config <file>', 'configuration file whose outbox to check')
      .addOption(
        new Option('--path <file>', 'store file to check; default: data/outbox.db').conflicts(
          'config',
        ),
      )
      .option('--json', 'print one JSON object')
      .addHelpText(
        'after',
        '\nExits with 0 if the store is sound, and with 1 if it is damaged, missing, or open in a receiver. Reads the whole\n' +
          'store, which takes a while if it is large.\n' +
          '\nExample:\n  trackbridge outbox check --config trackbridge.yaml\n',
      )
      .action((options: CheckOptions) => check(options, context)),
  );
  command.addCommand(backupCommand(context));
  command.addCommand(
    new Command('migrate')
      .description('move the outbox of a stopped receiver to another store')
      .requiredOption('--config <file>', 'configuration file of the receiver as it is now')
      .addOption(
        new Option('--to <engine>', 'the engine to move to')
          .choices(['postgres', 'sqlite'])
          .makeOptionMandatory(),
      )
      .requiredOption('--with <file>', 'configuration file with the new outbox')
      .option('--dry-run', 'only count what would be moved')
      .option('--json', 'print one JSON object')
      .addHelpText(
        'after',
        '\nMoves events, settlements, attempts, known ids, dead letters, quarantine and counters. If it is interrupted, run it\n' +
          'again. No receiver starts on the old store once the move is complete.\n' +
          '\nExample:\n  trackbridge outbox migrate --config old.yaml --to postgres --with new.yaml\n',
      )
      .action((options: MigrateOptions) => migrate(options, context)),
  );
  return command;
}

async function migrate(options: MigrateOptions, context: CommandContext): Promise<void> {
  const outboxOf = (file: string) =>
    loadConfig({ file, env: context.env, keepSecrets: false }).config.outbox;
  const [from, to] = [outboxOf(options.config), outboxOf(options.with)];
  if (to.type !== options.to) {
    const message = `outbox.type is ${to.type} in ${options.with}, but --to is ${options.to}; correct one of them`;
    throw new TrackbridgeError('CONFIG_INVALID', message);
  }
  const source = await openMoveSource(from);
  let target: MoveTarget | undefined;
  try {
    if (!options.dryRun) target = await openMoveTarget(to);
    let told = 0;
    const report = await moveStore(source, target, (events) => {
      if (events - told < TELL_EVERY) return;
      told = events;
      context.err.write(`trackbridge: ${events} events\n`);
    });
    if (options.json) printJson({ dryRun: options.dryRun === true, ...report }, context);
    else printMoved(report, options.dryRun === true, context);
  } finally {
    await target?.close();
    await source.close();
  }
}

function printMoved(report: MoveReport, dryRun: boolean, context: CommandContext): void {
  const { deadLetters, events, ids, inQuarantine, sinks } = report;
  const rows = [
    ['events', String(events)],
    ['known ids', String(ids)],
    ['dead letters', String(deadLetters)],
    ['in quarantine', String(inQuarantine)],
    ...sinks.map(({ name, pending }) => [`pending for ${printable(name)}`, String(pending)]),
  ];
  printTable(rows, context);
  const text = dryRun
    ? 'Nothing was moved.'
    : 'Moved. Start the receiver with the new configuration.';
  context.out.write(`\n${text}\n`);
}

function check(options: CheckOptions, context: CommandContext): void {
  const path = options.path ?? configuredPath(options.config, context);
  const report = checkStore(path);
  if (options.json) printJson({ path, ...report }, context);
  else printReport(path, report, context);
  const missing = `there is no outbox at ${path}; the receiver creates one at its first start`;
  const problems = report.state === 'missing' ? [missing] : report.problems;
  for (const problem of problems) context.err.write(`trackbridge: ${oneLine(problem)}\n`);
  for (const warning of report.warnings) {
    context.err.write(`trackbridge: warning: ${oneLine(warning)}\n`);
  }
  if (report.state !== 'sound') context.fail();
}

function configuredPath(file: string | undefined, context: CommandContext): string {
  const { outbox } = loadConfig({ file, env: context.env, keepSecrets: false }).config;
  if (outbox.type === 'sqlite') return outbox.path;
  throw new TrackbridgeError(
    'CONFIG_INVALID',
    `outbox.type is ${outbox.type}, which has no file; name one with --path`,
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
  printTable([['SINK', 'CONFIGURED', 'PENDING', 'OLDEST', 'DELIVERED', 'DEAD'], ...sinks], context);
}

function markText(mark: NonNullable<StoreReport['mark']>): string {
  if (mark === 'none') return 'none: a loss of acknowledged events would go undetected';
  if (mark === 'unreadable') return 'unreadable';
  const end = mark.closed ? 'shut down cleanly' : 'not shut down cleanly';
  return `position ${mark.tail}, ${mark.quarantined} ever in quarantine, ${end}`;
}

function age(since: number): string {
  return `${Math.max(0, Math.round((systemClock.now() - since) / 1000))}s`;
}
