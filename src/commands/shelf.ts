import { Command } from 'commander';
import { TrackbridgeError } from '../errors.js';
import { printable } from '../sinks/printable.js';
import {
  type AdminClient,
  type AdminOptions,
  addAdminOptions,
  adminClient,
} from './admin-client.js';
import { type CommandContext, EXIT, printJson, printTable } from './io.js';

/** What differs between `dead-letters` and `quarantine`. */
export interface ShelfCommand {
  readonly name: string;
  readonly description: string;
  readonly path: string;
  /** The option that narrows to one sink or one source. */
  readonly by: 'sink' | 'source';
  readonly columns: readonly string[];
  row(entry: Readonly<Record<string, unknown>>): readonly unknown[];
}

interface ListOptions extends AdminOptions {
  readonly limit: string;
  readonly after?: string;
  readonly payload?: true;
  readonly json?: true;
  readonly sink?: string;
  readonly source?: string;
}

interface ActOptions extends AdminOptions {
  readonly all?: true;
  readonly json?: true;
  readonly sink?: string;
  readonly source?: string;
}

/** `list`, `show`, `replay` and `purge` of what a receiver has set aside. */
export function shelfCommand(shelf: ShelfCommand, context: CommandContext): Command {
  const command = new Command(shelf.name)
    .description(shelf.description)
    .addHelpText(
      'after',
      `\nExample:\n  trackbridge ${shelf.name} list --config trackbridge.yaml\n`,
    );
  const narrow = `--${shelf.by} <name>`;
  const example = (text: string): string =>
    `\nExample:\n  trackbridge ${shelf.name} ${text} --config trackbridge.yaml\n`;

  const list = new Command('list')
    .description('list the entries, oldest first, without payloads unless asked for')
    .option(narrow, `only those of this ${shelf.by}`)
    .option('--limit <n>', 'at most so many, up to 1000', '100')
    .option('--after <id>', 'only entries after this id')
    .option('--payload', 'with the events themselves (needs --json)')
    .option('--json', 'one JSON array')
    .addHelpText('after', example('list --limit 20'))
    .action(async (options: ListOptions) => {
      const entries = await listEntries(adminClient(options, context), shelf, options);
      if (options.json) return printJson(entries, context);
      if (entries.length === 0) return void context.out.write('nothing there\n');
      const rows = entries.map((entry) =>
        shelf.row(entry).map((cell) => printable(String(cell ?? ''))),
      );
      printTable([shelf.columns, ...rows], context);
    });

  const show = new Command('show')
    .description('show one entry whole, as JSON')
    .argument('<id>', 'its id, as list shows it')
    .option('--json', 'JSON, which it is anyway')
    .addHelpText('after', example('show 17'))
    .action(async (id: string, options: AdminOptions) => {
      const client = adminClient(options, context);
      printJson(await client.get(`${shelf.path}/${encodeURIComponent(id)}`), context);
    });

  command.addCommand(addAdminOptions(list));
  command.addCommand(addAdminOptions(show));
  for (const act of ['replay', 'purge'] as const) {
    const verb = act === 'replay' ? 'try again' : 'delete for good';
    const acting = new Command(act)
      .description(`${verb}: the entries of these ids, or all`)
      .argument('[ids...]', 'their ids, as list shows them')
      .option('--all', 'all of them')
      .option(narrow, `with --all: only those of this ${shelf.by}`)
      .option('--json', 'the result as JSON')
      .addHelpText('after', example(`${act} --all`))
      .action(async (ids: string[], options: ActOptions) => {
        const client = adminClient(options, context);
        const result = await client.post(`${shelf.path}/${act}`, selectionOf(ids, options, shelf));
        return report(act, result as ActResult, options.json === true, context);
      });
    command.addCommand(addAdminOptions(acting));
  }
  return command;
}

interface ActResult {
  readonly replayed?: number;
  readonly purged?: number;
  readonly errors?: readonly string[];
}

async function listEntries(
  client: AdminClient,
  shelf: ShelfCommand,
  options: ListOptions,
): Promise<readonly Record<string, unknown>[]> {
  const query = new URLSearchParams({ limit: options.limit });
  const name = options[shelf.by];
  if (name !== undefined) query.set('name', name);
  if (options.after !== undefined) query.set('after', options.after);
  if (options.payload) query.set('payload', 'true');
  return (await client.get(`${shelf.path}?${query}`)) as readonly Record<string, unknown>[];
}

function selectionOf(ids: readonly string[], options: ActOptions, shelf: ShelfCommand): object {
  const name = options[shelf.by];
  if (ids.length > 0 && options.all === undefined && name === undefined) return { ids };
  if (ids.length === 0 && options.all)
    return { all: true, ...(name === undefined ? {} : { name }) };
  throw new TrackbridgeError(
    'CONFIG_INVALID',
    `give the ids, or --all (with --${shelf.by} NAME for those of one ${shelf.by})`,
  );
}

function report(act: string, result: ActResult, json: boolean, context: CommandContext): void {
  if (json) printJson(result, context);
  else
    context.out.write(
      `${act === 'replay' ? 'replayed' : 'purged'} ${result.replayed ?? result.purged ?? 0}\n`,
    );
  const errors = result.errors ?? [];
  if (errors.length === 0) return;
  for (const error of errors) context.err.write(`trackbridge: ${printable(error)}\n`);
  process.exitCode = EXIT.failure;
}
