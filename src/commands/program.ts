import { Command, CommanderError } from 'commander';
import { oneLine } from '../core/printable.js';
import { programVersion } from '../core/version.js';
import { checkCommand } from './check.js';
import { completionCommand } from './completion/command.js';
import { devCommand } from './dev/command.js';
import { doctorCommand } from './doctor.js';
import { deadLettersCommand } from './entries/dead-letters.js';
import { quarantineCommand } from './entries/quarantine.js';
import { type CommandContext, EXIT, reportFailure } from './io.js';
import { outboxCommand } from './outbox.js';
import { sendCommand } from './send/command.js';
import { serveCommand } from './serve.js';
import { sinksCommand } from './sinks.js';
import { statsCommand } from './stats.js';
import { tailCommand } from './tail/command.js';
import { transformationCommand } from './transformation.js';
import { verifyCommand } from './verify.js';

/** What a program needs of the process it runs in. The program tracks by itself whether a command failed. */
export type ProgramContext = Omit<CommandContext, 'fail'>;

/** Runs the program with these arguments, without its own name. Resolves to its exit code (`EXIT`); never rejects. */
export async function runProgram(
  args: readonly string[],
  context: ProgramContext,
): Promise<number> {
  let code: number = EXIT.ok;
  const fail = (): void => {
    code = EXIT.failure;
  };
  const program = createProgram({ ...context, fail });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error, context);
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

/** Creates the whole command line: every command with its options and help. */
export function createProgram(context: CommandContext): Command {
  const program = new Command('trackbridge')
    .description(
      'Receive events from Segment and RudderStack, store them durably, deliver them to sinks.',
    )
    .version(programVersion())
    .configureOutput({
      writeOut: (text) => context.out.write(text),
      writeErr: (text) => context.err.write(text),
      outputError: (text, write) => {
        const problem = oneLine(text).replace(/^error: /, '');
        write(`trackbridge: ${problem}; --help shows usage and an example\n`);
      },
    })
    // Commander would exit with 1 on wrong usage.
    .exitOverride();
  for (const [group, commands] of Object.entries(groupsOf(context))) {
    for (const command of commands) {
      program.addCommand(command.helpGroup(`${group}:`));
      inherit(command, program);
    }
  }
  return program;
}

/** Returns every command by its heading in `--help`. */
function groupsOf(context: CommandContext): Readonly<Record<string, readonly Command[]>> {
  return {
    'Run a receiver': [serveCommand(context), devCommand(context), checkCommand(context)],
    'Test and diagnose': [
      sendCommand(context),
      verifyCommand(context),
      doctorCommand(context),
      transformationCommand(context),
    ],
    'Operate a receiver': [
      statsCommand(context),
      tailCommand(context),
      deadLettersCommand(context),
      quarantineCommand(context),
      sinksCommand(context),
      outboxCommand(context),
    ],
    'Set up a shell': [completionCommand(context)],
  };
}

/** Copies how errors are written and the program exits: commands created elsewhere lack these settings. */
function inherit(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(child as Command, command);
}
