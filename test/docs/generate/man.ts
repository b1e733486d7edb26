import { readFileSync } from 'node:fs';
import type { Command, Option } from 'commander';
import { afterHelp, leavesOf, program, sentence } from './commands.js';

/** Where the manual page is, below the repository. */
export const MAN_PAGE = 'docs/trackbridge.1';

/** The manual page of the program, in the macros of man(7). */
export async function manPage(): Promise<string> {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const all = await program();
  return [
    '.\\" Generated from the program by `npm run docs`.',
    `.TH TRACKBRIDGE 1 "" "trackbridge ${version}" "User Commands"`,
    '.SH NAME',
    `trackbridge \\- ${escaped(lowerFirst(all.description()).replace(/\.$/, ''))}`,
    '.SH SYNOPSIS',
    '.B trackbridge',
    '.I command',
    '[options]',
    '.SH COMMANDS',
    ...leavesOf(all).flatMap(({ command, name }) => describe(name, command)),
    '.SH EXIT STATUS',
    ...tagged('0', 'Success.'),
    ...tagged('1', 'Failure.'),
    ...tagged('2', 'Invalid usage or configuration.'),
    '.SH SEE ALSO',
    'The manual in the directory',
    '.I docs',
    'of the package.',
    '',
  ].join('\n');
}

function describe(name: string, command: Command): string[] {
  const { examples, notes } = afterHelp(command);
  return [
    `.SS ${escaped(`trackbridge ${name} ${command.usage()}`)}`,
    escaped(sentence(command.description())),
    ...command.registeredArguments.flatMap((each) =>
      tagged(each.name(), sentence(each.description)),
    ),
    ...command.options.filter(({ hidden }) => !hidden).flatMap(optionOf),
    ...notes.flatMap((note) => ['.PP', escaped(note.replace(/\s+/g, ' '))]),
    '.PP',
    examples.length === 1 ? 'Example:' : 'Examples:',
    '.PP',
    '.nf',
    '.RS 4',
    ...examples.map(escaped),
    '.RE',
    '.fi',
  ];
}

function optionOf(option: Option): string[] {
  const { argChoices, flags } = option;
  const choices = argChoices === undefined ? '' : ` One of ${argChoices.join(', ')}.`;
  return tagged(flags, sentence(option.description) + choices);
}

function tagged(term: string, text: string): string[] {
  return ['.TP', `.B ${escaped(term)}`, escaped(text)];
}

/** Escapes what troff would read as its own: backslashes, hyphens, and a dot or an apostrophe that begins a line. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replace(/^(?=[.'])/, '\\&');
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
