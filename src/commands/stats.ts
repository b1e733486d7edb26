import { Command } from 'commander';
import { TrackbridgeError } from '../core/errors.js';
import { printable } from '../core/printable.js';
import { type AdminOptions, addAdminOptions, adminClient } from './admin-client.js';
import { type CommandContext, printJson, printTable } from './io.js';

interface Stats {
  readonly accepted: number;
  readonly duplicates: number;
  readonly quarantined: number;
  readonly inQuarantine: number;
  readonly pending: number;
  /** Absent if the store is not shared. */
  readonly members?: readonly {
    readonly name: string;
    readonly role: string;
    readonly isSelf: boolean;
    readonly partitions: number;
    readonly silentForMs: number;
    readonly startedAt: string;
  }[];
  readonly sources: readonly {
    readonly name: string;
    readonly authentication: string;
    /** Consecutive ones, since the last authenticated delivery. */
    readonly refused: number;
  }[];
  readonly sinks: readonly {
    readonly name: string;
    readonly state?: string;
    readonly circuit?: string;
    readonly nextProbeInMs?: number;
    readonly pending: number;
    readonly oldestAgeMs: number;
    readonly delivered: number;
    /** Events that the sink's `where` or `transform` filtered. */
    readonly filtered: number;
    readonly deadLetters: number;
    /** Events that passed the retention while the sink was not configured. */
    readonly missed: number;
    readonly lastError?: string;
  }[];
  /** Sinks that are not configured, with what they would receive if they were. */
  readonly former: readonly {
    readonly name: string;
    readonly pending: number;
    readonly oldestReceivedAt?: string;
    readonly missed: number;
  }[];
}

type StatsOptions = AdminOptions & { readonly members?: true; readonly json?: true };

/** `trackbridge stats`: shows what was received and each sink's progress. */
export function statsCommand(context: CommandContext): Command {
  const command = new Command('stats')
    .description('show the state of a running receiver and of its sinks')
    .option('--members', 'show the processes that share the store instead')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  trackbridge stats --config trackbridge.yaml\n')
    .action(async (options: StatsOptions) => {
      const stats = (await adminClient(options, context).get('/api/stats')) as Stats;
      if (options.members) return printMembers(stats, options, context);
      if (options.json) return printJson(stats, context);
      printTable(
        [
          ['accepted', String(stats.accepted)],
          ['duplicates', String(stats.duplicates)],
          ['quarantined', `${stats.quarantined} (${stats.inQuarantine} kept)`],
          ['pending', String(stats.pending)],
        ],
        context,
      );
      context.out.write('\n');
      const sources = stats.sources.map(({ name, authentication, refused }) => [
        printable(name),
        printable(authentication),
        String(refused),
      ]);
      printTable([['SOURCE', 'AUTHENTICATION', 'REFUSED IN A ROW'], ...sources], context);
      context.out.write('\n');
      const rows = stats.sinks.map((sink) =>
        [
          sink.name,
          sink.state ?? '',
          circuitOf(sink),
          sink.pending,
          `${Math.round(sink.oldestAgeMs / 1000)}s`,
          sink.delivered,
          sink.filtered,
          sink.deadLetters,
          sink.lastError ?? '',
        ].map((cell) => printable(String(cell ?? ''))),
      );
      printTable(
        [
          [
            ...['SINK', 'STATE', 'CIRCUIT', 'PENDING', 'OLDEST', 'DELIVERED', 'FILTERED', 'DEAD'],
            'LAST ERROR',
          ],
          ...rows,
        ],
        context,
      );
      for (const line of missedLines(stats)) context.out.write(`${line}\n`);
    });
  return addAdminOptions(command);
}

/** Says what sinks that return receive, and what they do not. */
function* missedLines({ former, sinks }: Stats): Generator<string> {
  for (const { missed, name } of sinks) {
    if (missed > 0) {
      yield `\nsink ${printable(name)}: ${missed} passed outbox.retention while it was not configured, and cannot be delivered`;
    }
  }
  for (const { missed, name, oldestReceivedAt, pending } of former) {
    const from = oldestReceivedAt === undefined ? '' : `, received from ${oldestReceivedAt} on`;
    const gone = missed === 0 ? '' : `; ${missed} passed outbox.retention and cannot be delivered`;
    yield `\nsink ${printable(name)} is not configured: if it returns, it receives ${pending} events${from}${gone}`;
  }
}

function printMembers({ members }: Stats, { json }: StatsOptions, context: CommandContext): void {
  if (members === undefined) {
    throw new TrackbridgeError(
      'NOT_FOUND',
      'the store of this receiver is not shared, so it has no members; see docs/many-machines.md',
    );
  }
  if (json) {
    printJson(members, context);
    return;
  }
  const rows = members.map((member) => [
    printable(member.isSelf ? `${member.name} (asked)` : member.name),
    printable(member.role),
    String(member.partitions),
    `${(member.silentForMs / 1000).toFixed(1)}s`,
    printable(member.startedAt),
  ]);
  printTable([['MEMBER', 'ROLE', 'PARTITIONS', 'LAST SEEN', 'STARTED'], ...rows], context);
}

function circuitOf({ circuit = '', nextProbeInMs }: Stats['sinks'][number]): string {
  if (nextProbeInMs === undefined) return circuit;
  return `${circuit}, next probe in ${Math.ceil(nextProbeInMs / 1000)}s`;
}
