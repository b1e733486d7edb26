import { PassThrough } from 'node:stream';
import type { Command, Option } from 'commander';
import { ADMIN_GROUP } from '../../../src/commands/admin-client.js';
import { createProgram } from '../../../src/commands/program.js';
import { table } from './region.js';

/** The command line, with nobody to read what it prints. */
export async function program(): Promise<Command> {
  const nobody = new PassThrough();
  return await createProgram({
    env: {},
    in: nobody,
    out: nobody,
    err: nobody,
    fail: () => undefined,
  });
}

/** Every command that does something, with the names of its parents. */
export function leavesOf(command: Command): readonly { name: string; command: Command }[] {
  return command.commands.flatMap((child) => {
    const below = leavesOf(child);
    if (below.length === 0) return [{ name: child.name(), command: child }];
    return below.map((leaf) => ({ ...leaf, name: `${child.name()} ${leaf.name}` }));
  });
}

/** The reference of all commands, as Markdown. */
export async function commandsReference(): Promise<string> {
  const leaves = leavesOf(await program());
  const overview = table(
    ['Command', 'Does'],
    leaves.map(({ name, command }) => [
      `[\`${name}\`](#trackbridge-${name.replaceAll(' ', '-')})`,
      sentence(command.description()),
    ]),
  );
  const shared = leaves.map(({ command }) => adminOptions(command)).find((all) => all.length > 0);
  return [
    overview,
    '## Options for a running receiver',
    optionsTable(shared ?? []),
    ...leaves.map(({ name, command }) => describe(name, command)),
  ].join('\n\n');
}

function describe(name: string, command: Command): string {
  const { notes, examples } = afterHelp(command);
  return [
    `## trackbridge ${name}`,
    `${sentence(command.description())}`,
    `\`\`\`text\ntrackbridge ${name} ${command.usage()}\n\`\`\``,
    ...argumentsOf(command),
    ...optionsOf(command),
    ...notes,
    `\`\`\`sh\n${examples.join('\n')}\n\`\`\``,
  ].join('\n\n');
}

function argumentsOf(command: Command): readonly string[] {
  const all = command.registeredArguments;
  if (all.length === 0) return [];
  return [
    table(
      ['Argument', 'Meaning'],
      all.map((each) => [`\`${each.name()}\``, sentence(each.description)]),
    ),
  ];
}

function optionsOf(command: Command): readonly string[] {
  const shared = adminOptions(command);
  const own = command.options.filter((option) => !option.hidden && !shared.includes(option));
  const parts = own.length === 0 ? [] : [optionsTable(own)];
  if (shared.length === 0) return parts;
  const all = new Intl.ListFormat('en').format(shared.map(({ long }) => `\`${long}\``));
  return [...parts, `${all} [select the receiver](#options-for-a-running-receiver).`];
}

/** The options that all commands for a running receiver share. */
function adminOptions(command: Command): readonly Option[] {
  return command.options.filter((option) => option.helpGroupHeading === ADMIN_GROUP);
}

function optionsTable(options: readonly Option[]): string {
  return table(
    ['Option', 'Meaning'],
    options.map((option) => [`\`${option.flags}\``, meaningOf(option)]),
  );
}

function meaningOf(option: Option): string {
  const parts = [sentence(option.description)];
  if (option.mandatory) parts.push('Required.');
  if (option.argChoices !== undefined) {
    parts.push(`One of ${option.argChoices.map((choice) => `\`${choice}\``).join(', ')}.`);
  }
  if (option.defaultValue !== undefined && String(option.defaultValue) !== '') {
    parts.push(`Default: \`${String(option.defaultValue)}\`.`);
  }
  return parts.join(' ');
}

/** What a command prints below its options: paragraphs, and the lines under `Example:`. */
export function afterHelp(command: Command): {
  notes: readonly string[];
  examples: readonly string[];
} {
  let printed = '';
  command.configureOutput({
    writeOut: (text) => {
      printed += text;
    },
  });
  command.outputHelp();
  const below = printed.slice(command.helpInformation().length);
  const paragraphs = below
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '');
  const examples = paragraphs.filter((each) => /^Examples?:\n/.test(each));
  return {
    notes: paragraphs.filter((each) => !examples.includes(each)),
    examples: examples.flatMap((each) => each.split('\n').slice(1)).map((line) => line.trim()),
  };
}

/** A description as a sentence: `--help` follows the custom of lower case and no full stop. */
export function sentence(text: string): string {
  // Not of an option's name, such as `admin.token`.
  const first = /^[a-z]+[ -]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
