import type { Place } from './places.js';
import { casesOf, fixedValuesOf, freeValuesOf, quoted } from './shell.js';

/** A script for bash 4 or newer. Where it knows no word, bash completes the names of files. */
export function bashCompletion(places: readonly Place[]): string {
  return `# Completion for trackbridge in bash. Load it with: source <(trackbridge completion bash)
_trackbridge() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" at='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
    case "$at $word" in
      ${casesOf(places)}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at:$previous" in
    ${freeValuesOf(places)}) COMPREPLY=(); return ;;
${fixedValuesOf(places, (values) => complete(quoted(values.join(' '))))}
  esac
  case "$at" in
${places.map(wordsCase).join('\n')}
  esac
  ${complete('"$words"')}
}
complete -o default -F _trackbridge trackbridge
`;
}

function complete(words: string): string {
  return `mapfile -t COMPREPLY < <(compgen -W ${words} -- "$current")`;
}

function wordsCase({ commands, options, path }: Place): string {
  const words = [...commands, ...options].map(({ text }) => text).join(' ');
  return `    ${quoted(path)}) words=${quoted(words)} ;;`;
}
