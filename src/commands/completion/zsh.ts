import type { Place, Word } from './places.js';
import { casesOf, fixedValuesOf, freeValuesOf, quoted } from './shell.js';

/** A script for zsh, with the meaning of each word. */
export function zshCompletion(places: readonly Place[]): string {
  return `#compdef trackbridge
# Completion for trackbridge in zsh. Load it with: source <(trackbridge completion zsh)
_trackbridge() {
  local at='' word
  local -a commands options
  for word in "\${(@)words[2,CURRENT - 1]}"; do
    case "$at $word" in
      ${casesOf(places)}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at:\${words[CURRENT - 1]}" in
    ${freeValuesOf(places)}) _files; return ;;
${fixedValuesOf(places, (values) => `compadd -- ${values.map(quoted).join(' ')}`)}
  esac
  case "$at" in
${places.map(wordsCase).join('\n')}
  esac
  (( \${#commands} )) && _describe -t commands command commands
  _describe -t options option options
  (( \${#commands} )) || _files
}
compdef _trackbridge trackbridge
`;
}

function wordsCase({ commands, options, path }: Place): string {
  const list = (words: readonly Word[]): string =>
    words.map(({ meaning, text }) => quoted(`${text}:${meaning}`)).join(' ');
  return `    ${quoted(path)}) commands=(${list(commands)}); options=(${list(options)}) ;;`;
}
