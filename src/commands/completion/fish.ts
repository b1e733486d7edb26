import type { OptionWords, Place } from './places.js';

/** A script for fish 3 or newer, with the meaning of each word. */
export function fishCompletion(places: readonly Place[]): string {
  const cases = places.flatMap(({ commands, path }) =>
    commands.map(({ text }) => quoted(`${path} ${text}`)),
  );
  return `# Completion for trackbridge in fish. Load it with: trackbridge completion fish | source
function __trackbridge_at
    set -l at ''
    for word in (commandline -opc)[2..]
        switch "$at $word"
            case ${cases.join(' ')}
                set at (string trim -- "$at $word")
        end
    end
    test "$at" = "$argv[1]"
end
complete -c trackbridge -f
${places.flatMap(linesOf).join('\n')}
`;
}

function linesOf({ commands, options, path }: Place): string[] {
  const start = `complete -c trackbridge -n "__trackbridge_at ${quoted(path)}"`;
  return [
    ...commands.map(({ meaning, text }) => `${start} -a ${quoted(text)} -d ${quoted(meaning)}`),
    ...options.map((option) => `${start} ${flagsOf(option)} -d ${quoted(option.meaning)}`),
    // Arguments that are no commands are files.
    ...(commands.length === 0 ? [`${start} -F`] : []),
  ];
}

function flagsOf({ short, text, value }: OptionWords): string {
  const names = [
    `-l ${text.replace(/^--/, '')}`,
    ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
  ];
  if (value === undefined) return names.join(' ');
  const values = value === 'any' ? '-r -F' : `-x -a ${quoted(value.join(' '))}`;
  return `${names.join(' ')} ${values}`;
}

/** Quotes a text for fish, which knows backslashes within quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
