import { Command } from 'commander';
import { TrackbridgeError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import {
  type AdminClient,
  type AdminOptions,
  addAdminOptions,
  adminClient,
} from '../admin-client.js';
import { type CommandContext, printJson, printTable } from '../io.js';

/** The differences between `dead-letters` and `quarantine`. */
export interface EntryCommand {
  readonly name: string;
  readonly description: string;
  /** What `replay` does with an entry. */
  readonly replays: string;
  readonly path: string;
  /** The option that selects one sink or one source. */
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

/** Creates `list`, `show`, `replay` and `purge` for the dead letters or the quarantine of a receiver. */
export function entryCommand(kind: EntryCommand, context: CommandContext): Command {
  const command = new Command(kind.name)
    .description(kind.description)
    .addHelpText(
      'after',
      `\nExample:\n  trackbridge ${kind.name} list --config trackbridge.yaml\n`,
    );
  const narrow = `--${kind.by} <name>`;
  const example = (text: string): string =>
    `\nExample:\n  trackbridge ${kind.name} ${text} --config trackbridge.yaml\n`;

  const list = new Command('list')
    .description('list the entries, oldest first')
    .option(narrow, `only entries of this ${kind.by}`)
    .option('--limit <n>', 'maximum number of entries, from 1 to 1000', '100')
    .option('--after <id>', 'only entries after this ID')
    .option('--payload', 'with --json, include the events')
    .option('--json', 'print one JSON array')
    .addHelpText('after', example('list --limit 20'))
    .action(async (options: ListOptions) => {
      const entries = await listEntries(adminClient(options, context), kind, options);
      if (options.json) return printJson(entries, context);
      if (entries.length === 0) return void context.out.write('no entries\n');
      const rows = entries.map((entry) =>
        kind.row(entry).map((cell) => printable(String(cell ?? ''))),
      );
      printTable([kind.columns, ...rows], context);
    });

  const show = new Command('show')
    .description('show one entry as JSON, with its event')
    .argument('<id>', 'ID of the entry, from list')
    .option('--json', 'no effect; the output is always JSON')
    .addHelpText('after', example('show 17'))
    .action(async (id: string, options: AdminOptions) => {
      const client = adminClient(options, context);
      printJson(await client.get(`${kind.path}/${encodeURIComponent(id)}`), context);
    });

  command.addCommand(addAdminOptions(list));
  command.addCommand(addAdminOptions(show));
  for (const act of ['replay', 'purge'] as const) {
    const verb = act === 'replay' ? kind.replays : 'delete entries; this cannot be undone';
    const acting = new Command(act)
      .description(verb)
      .argument('[ids...]', 'IDs of the entries, from list')
      .option('--all', 'all entries')
      .option(narrow, `with --all, only entries of this ${kind.by}`)
      .option('--json', 'print the result as JSON')
      .addHelpText('after', example(`${act} --all`))
      .action(async (ids: string[], options: ActOptions) => {
        const client = adminClient(options, context);
        const result = await client.post(`${kind.path}/${act}`, selectionOf(ids, options, kind));
        return report(act, result as ActResult, options.json === true, context);
      });
    command.addCommand(addAdminOptions(acting));
  }
  return command;
}

interface ActResult {
  readonly replayed?: number;
  /** Selected entries that remain. */
  readonly remaining?: number;
  readonly purged?: number;
  readonly errors?: readonly string[];
}

async function listEntries(
  client: AdminClient,
  kind: EntryCommand,
  options: ListOptions,
): Promise<readonly Record<string, unknown>[]> {
  const query = new URLSearchParams({ limit: options.limit });
  const name = options[kind.by];
  if (name !== undefined) query.set('name', name);
  if (options.after !== undefined) query.set('after', options.after);
  if (options.payload) query.set('payload', 'true');
  return (await client.get(`${kind.path}?${query}`)) as readonly Record<string, unknown>[];
}

function selectionOf(ids: readonly string[], options: ActOptions, kind: EntryCommand): object {
  const name = options[kind.by];
  if (ids.length > 0 && options.all === undefined && name === undefined) return { ids };
  if (ids.length === 0 && options.all)
    return { all: true, ...(name === undefined ? {} : { name }) };
  throw new TrackbridgeError(
    'CONFIG_INVALID',
    `name IDs, or use --all (with --${kind.by} NAME for those of one ${kind.by})`,
  );
}

function report(act: string, result: ActResult, json: boolean, context: CommandContext): void {
  if (json) printJson(result, context);
  else context.out.write(`${textOf(act, result)}\n`);
  const errors = result.errors ?? [];
  if (errors.length === 0) return;
  for (const error of errors) context.err.write(`trackbridge: ${printable(error)}\n`);
  context.fail();
}

function textOf(act: string, { replayed = 0, remaining = 0, purged = 0 }: ActResult): string {
  if (act === 'purge') return `purged ${purged}`;
  return remaining === 0 ? `replayed ${replayed}` : `replayed ${replayed}, ${remaining} remain`;
}
