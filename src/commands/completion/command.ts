import { Argument, Command } from 'commander';
import type { CommandContext } from '../io.js';
import { bashCompletion } from './bash.js';
import { fishCompletion } from './fish.js';
import { type Place, placesOf } from './places.js';
import { zshCompletion } from './zsh.js';

const SHELLS: Readonly<Record<string, (places: readonly Place[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `trackbridge completion SHELL`: prints a script that completes commands and options of the whole program. */
export function completionCommand(
  context: CommandContext,
  wholeProgram: () => Promise<Command>,
): Command {
  return new Command('completion')
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'shell to print it for').choices(Object.keys(SHELLS)))
    .addHelpText(
      'after',
      '\nExample:\n  trackbridge completion fish | source\n\nIn bash and zsh, run `source <(trackbridge completion bash)` with the name of the shell.\n',
    )
    .action(async (shell: string) => {
      context.out.write(SHELLS[shell]?.(placesOf(await wholeProgram())) ?? '');
    });
}
