import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { CommandContext } from './io.js';

/** `trackbridge transformation`: prints the very file that the tests run. */
export function transformationCommand(context: CommandContext): Command {
  return new Command('transformation')
    .description(
      'print the RudderStack transformation that lets GET and DELETE deliveries keep everything',
    )
    .addHelpText(
      'after',
      '\nExample:\n  trackbridge transformation > transformation.js\n\nPaste the output into RudderStack under Collect > Transformations and connect it to the webhook destination.\n',
    )
    .action(() => {
      const file = new URL('../decode/transformation.js', import.meta.url);
      context.out.write(readFileSync(file, 'utf8'));
    });
}
