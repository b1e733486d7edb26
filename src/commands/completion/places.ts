import type { Command } from 'commander';

/** A word that can follow, with what it means. */
export interface Word {
  readonly text: string;
  readonly meaning: string;
}

export interface OptionWords extends Word {
  /** Its other name, such as `-h`. */
  readonly short?: string;
  /** What the next word is: one of these, or a file or other text; undefined if it takes no value. */
  readonly value?: readonly string[] | 'any';
}

/** A place on the command line: after the program's name, or after a command. */
export interface Place {
  /** The commands so far, separated by spaces: empty, `serve` or `dead-letters list`. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly OptionWords[];
}

/** Every place on the command line of a program, the program's own first. */
export function placesOf(program: Command): readonly Place[] {
  return placesBelow(program, '');
}

function placesBelow(command: Command, path: string): Place[] {
  const help = command.createHelp();
  const own: Place = {
    path,
    commands: help
      .visibleCommands(command)
      .map((child) => ({ text: child.name(), meaning: child.description() })),
    options: help.visibleOptions(command).map((option): OptionWords => {
      const { argChoices, description, long, short } = option;
      const value = option.required ? { value: argChoices ?? ('any' as const) } : {};
      const both = long !== undefined && short !== undefined ? { short } : {};
      return { text: long ?? short ?? '', meaning: description, ...both, ...value };
    }),
  };
  const below = command.commands.flatMap((child) =>
    placesBelow(child, path === '' ? child.name() : `${path} ${child.name()}`),
  );
  return [own, ...below];
}
