#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { checkCommand } from './commands/check.js';
import { deadLettersCommand } from './commands/dead-letters.js';
import { devCommand } from './commands/dev.js';
import { doctorCommand } from './commands/doctor.js';
import { type CommandContext, EXIT, oneLine, reportFailure } from './commands/io.js';
import { outboxCommand } from './commands/outbox.js';
import { quarantineCommand } from './commands/quarantine.js';
import { sendCommand } from './commands/send.js';
import { serveCommand } from './commands/serve.js';
import { statsCommand } from './commands/stats.js';
import { tailCommand } from './commands/tail.js';
import { transformationCommand } from './commands/transformation.js';
import { verifyCommand } from './commands/verify.js';

// The one place that touches the process: commands get what they need of it.
const context: CommandContext = {
  env: process.env,
  in: process.stdin,
  out: process.stdout,
  err: process.stderr,
};

const { version } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { version: string };

const program = new Command('trackbridge')
  .description('The receiving side of Segment and RudderStack webhooks.')
  .version(version)
  .configureOutput({
    outputError: (text, write) => {
      const problem = oneLine(text).replace(/^error: /, '');
      write(`trackbridge: ${problem}; --help shows usage and an example\n`);
    },
  });
const commands = [
  serveCommand(context),
  devCommand(context),
  checkCommand(context),
  sendCommand(context),
  transformationCommand(context),
  verifyCommand(context),
  doctorCommand(context),
  statsCommand(context),
  tailCommand(context),
  deadLettersCommand(context),
  quarantineCommand(context),
  outboxCommand(context),
];
// Commander would leave with 1 on wrong usage.
program.exitOverride();
for (const command of commands) {
  program.addCommand(command);
  inherit(command, program);
}

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } else {
    process.exitCode = reportFailure(error, context);
  }
}

/** How errors are written and the program is left: commands that were made elsewhere know nothing of it. */
function inherit(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(child as Command, command);
}
