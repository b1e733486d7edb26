import { Command, CommanderError } from 'commander';
import { oneLine } from '../core/printable.js';
import { programVersion } from '../core/version.js';
import { type CommandContext, EXIT, reportFailure } from './io.js';

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
  try {
    const program = await createProgram({ ...context, fail }, args[0]);
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error, context);
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

/** Creates a command of the program. */
type CreateCommand = (context: CommandContext) => Command;

/**
 * Every command by its heading in `--help` and its name. A run loads the command that it runs and no other: a receiver
 * that loads the tools for testing, with an HTTP client and an XML builder, holds some 20 MB more for good.
 */
const COMMANDS: Readonly<Record<string, Readonly<Record<string, () => Promise<CreateCommand>>>>> = {
  'Run a receiver': {
    serve: async () => (await import('./serve.js')).serveCommand,
    dev: async () => (await import('./dev/command.js')).devCommand,
    check: async () => (await import('./check.js')).checkCommand,
  },
  'Test and diagnose': {
    send: async () => (await import('./send/command.js')).sendCommand,
    verify: async () => (await import('./verify.js')).verifyCommand,
    doctor: async () => (await import('./doctor.js')).doctorCommand,
    transformation: async () => (await import('./transformation.js')).transformationCommand,
  },
  'Operate a receiver': {
    stats: async () => (await import('./stats.js')).statsCommand,
    tail: async () => (await import('./tail/command.js')).tailCommand,
    'dead-letters': async () => (await import('./entries/dead-letters.js')).deadLettersCommand,
    quarantine: async () => (await import('./entries/quarantine.js')).quarantineCommand,
    parity: async () => (await import('./parity/command.js')).parityCommand,
    sinks: async () => (await import('./sinks.js')).sinksCommand,
    reload: async () => (await import('./reload.js')).reloadCommand,
    replay: async () => (await import('./replay/command.js')).replayCommand,
    outbox: async () => (await import('./outbox.js')).outboxCommand,
  },
  'Set up a shell': {
    completion: async () => {
      const { completionCommand } = await import('./completion/command.js');
      return (context) => completionCommand(context, () => createProgram(context));
    },
  },
};

/**
 * Creates the command line, with every command's options and help. If `only` is the name of a command, it has that
 * command alone.
 */
export async function createProgram(context: CommandContext, only?: string): Promise<Command> {
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
  const commands = Object.entries(COMMANDS).flatMap(([group, loaders]) =>
    Object.entries(loaders).map(([name, load]) => ({ group, name, load })),
  );
  const named = commands.filter(({ name }) => name === only);
  for (const { group, load } of named.length > 0 ? named : commands) {
    const create = await load();
    const command = create(context);
    program.addCommand(command.helpGroup(`${group}:`));
    inherit(command, program);
  }
  return program;
}

/** Copies how errors are written and the program exits: commands created elsewhere lack these settings. */
function inherit(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(child as Command, command);
}
