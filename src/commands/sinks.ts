import { Command } from 'commander';
import { printable } from '../core/printable.js';
import { type AdminOptions, addAdminOptions, adminClient } from './admin-client.js';
import { type CommandContext, printJson } from './io.js';

const ACTS = {
  pause: 'stop delivery to a sink until it is resumed; its events stay pending',
  resume: 'continue delivery to a paused sink',
  purge: 'discard the pending events of a sink, configured or not; this cannot be undone',
} as const;

/** `trackbridge sinks`: pauses and resumes delivery to one sink, and purges its backlog. */
export function sinksCommand(context: CommandContext): Command {
  const example = (act: string): string =>
    `\nExample:\n  trackbridge sinks ${act} orders --config trackbridge.yaml\n`;
  const command = new Command('sinks')
    .description('pause, resume and purge delivery to one sink')
    .addHelpText('after', example('pause'));
  for (const [act, description] of Object.entries(ACTS)) {
    const acting = new Command(act)
      .description(description)
      .argument('<name>', 'name of the sink')
      .option('--json', 'print the result as JSON')
      .addHelpText('after', example(act))
      .action(async (name: string, options: AdminOptions & { readonly json?: true }) => {
        const path = `/api/sinks/${encodeURIComponent(name)}/${act}`;
        const result = (await adminClient(options, context).post(path, {})) as Result;
        if (options.json) return printJson(result, context);
        context.out.write(`${textOf(printable(name), result)}\n`);
      });
    command.addCommand(addAdminOptions(acting));
  }
  return command;
}

interface Result {
  readonly paused?: boolean;
  readonly purged?: number;
}

function textOf(name: string, { paused, purged }: Result): string {
  if (purged !== undefined) return `purged ${purged}`;
  return `${paused ? 'paused' : 'resumed'} ${name}`;
}
