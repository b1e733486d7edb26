import { Command } from 'commander';
import { printable } from '../sinks/printable.js';
import { type AdminOptions, addAdminOptions, adminClient } from './admin-client.js';
import { type CommandContext, printJson, printTable } from './io.js';

interface Stats {
  readonly accepted: number;
  readonly duplicates: number;
  readonly quarantined: number;
  readonly inQuarantine: number;
  readonly pending: number;
  readonly sources: readonly {
    readonly name: string;
    readonly authentication: string;
    /** In a row, since the last one that verified. */
    readonly refused: number;
  }[];
  readonly sinks: readonly {
    readonly name: string;
    readonly state?: string;
    readonly circuit?: string;
    readonly nextProbeInMs?: number;
    readonly pending: number;
    readonly oldestAgeMs: number;
    /** Delivered, or not wanted by the sink's `where` or `transform`. */
    readonly settled: number;
    readonly deadLetters: number;
    readonly lastError?: string;
  }[];
}

/** `trackbridge stats`: what has come in, and how far each sink is. */
export function statsCommand(context: CommandContext): Command {
  const command = new Command('stats')
    .description('show what a running receiver has taken and how far each sink is')
    .option('--json', 'as one JSON object')
    .addHelpText('after', '\nExample:\n  trackbridge stats --config trackbridge.yaml\n')
    .action(async (options: AdminOptions & { readonly json?: true }) => {
      const stats = (await adminClient(options, context).get('/api/stats')) as Stats;
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
          sink.settled,
          sink.deadLetters,
          sink.lastError ?? '',
        ].map((cell) => printable(String(cell ?? ''))),
      );
      printTable(
        [
          ['SINK', 'STATE', 'CIRCUIT', 'PENDING', 'OLDEST', 'SETTLED', 'DEAD', 'LAST ERROR'],
          ...rows,
        ],
        context,
      );
    });
  return addAdminOptions(command);
}

function circuitOf({ circuit = '', nextProbeInMs }: Stats['sinks'][number]): string {
  if (nextProbeInMs === undefined) return circuit;
  return `${circuit}, next probe in ${Math.ceil(nextProbeInMs / 1000)}s`;
}
