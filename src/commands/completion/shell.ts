import type { Place } from './places.js';

/** Quotes a text for a POSIX shell, so that it stands for itself. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Returns the patterns of a `case` for every option whose value can be any text. */
export function freeValuesOf(places: readonly Place[]): string {
  return places
    .flatMap(({ options, path }) =>
      options.flatMap(({ text, value }) => (value === 'any' ? quoted(`${path}:${text}`) : [])),
    )
    .join(' | ');
}

/** Returns a line of a `case` for every option with fixed values. `write` returns the shell's command for the values. */
export function fixedValuesOf(
  places: readonly Place[],
  write: (values: readonly string[]) => string,
): string {
  return places
    .flatMap(({ options, path }) =>
      options.flatMap(({ text, value }) =>
        typeof value === 'object'
          ? `    ${quoted(`${path}:${text}`)}) ${write(value)}; return ;;`
          : [],
      ),
    )
    .join('\n');
}

/** Returns the patterns of a `case` for every command: the place before it, a space, and its name. */
export function casesOf(places: readonly Place[]): string {
  return places
    .flatMap(({ commands, path }) => commands.map(({ text }) => quoted(`${path} ${text}`)))
    .join(' | ');
}
