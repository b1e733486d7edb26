/** Where a text stops being JSON: `offset` in UTF-16 units from 0, and what was expected there. */
export interface JsonFault {
  readonly offset: number;
  readonly expected: string;
}

type Expecting = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma or end';

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;
const BLANK = /[ \t\n\r]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

const WORDING: Record<Expecting, string> = {
  value: 'a value',
  'value or ]': 'a value or "]"',
  key: 'a key in double quotes',
  'key or }': 'a key in double quotes or "}"',
  colon: 'a colon',
  'comma or end': 'a comma or a closing bracket',
};

/**
 * Returns the first fault of a text by the grammar of RFC 8259, or undefined if the text is JSON. It is used only for
 * error messages. Its own stack keeps deep nesting from overflowing the call stack.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  const open: ('{' | '[')[] = [];
  let expecting: Expecting = 'value';
  for (let at = skip(BLANK, text, 0); ; at = skip(BLANK, text, at)) {
    const isDone = expecting === 'comma or end' && open.length === 0;
    if (at >= text.length) return isDone ? undefined : { offset: at, expected: WORDING[expecting] };
    if (isDone) return { offset: at, expected: 'the end of the body' };

    const char = text[at];
    const inObject = open.at(-1) === '{';
    const takesValue: boolean = expecting === 'value' || expecting === 'value or ]';
    const takesKey: boolean = expecting === 'key' || expecting === 'key or }';
    if (char === '"' && (takesValue || takesKey)) {
      const string = endOfString(text, at);
      if (typeof string !== 'number') return string;
      at = string;
      expecting = takesKey ? 'colon' : 'comma or end';
    } else if (takesValue && (char === '{' || char === '[')) {
      open.push(char);
      expecting = char === '{' ? 'key or }' : 'value or ]';
      at++;
    } else if (closes(char, expecting, inObject)) {
      open.pop();
      expecting = 'comma or end';
      at++;
    } else if (char === ',' && expecting === 'comma or end') {
      expecting = inObject ? 'key' : 'value';
      at++;
    } else if (char === ':' && expecting === 'colon') {
      expecting = 'value';
      at++;
    } else {
      const end = takesValue ? Math.max(skip(NUMBER, text, at), skip(WORD, text, at)) : at;
      if (end === at) return { offset: at, expected: WORDING[expecting] };
      at = end;
      expecting = 'comma or end';
    }
  }
}

function closes(char: string | undefined, expecting: Expecting, inObject: boolean): boolean {
  if (char === '}') return expecting === 'key or }' || (expecting === 'comma or end' && inObject);
  if (char === ']')
    return expecting === 'value or ]' || (expecting === 'comma or end' && !inObject);
  return false;
}

// Returns the offset after the closing quote of the string that begins at `start`.
function endOfString(text: string, start: number): number | JsonFault {
  for (let at = start + 1; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code < 0x20) return { offset: at, expected: 'an escaped control character' };
    if (code === 0x5c) {
      const end = skip(ESCAPE, text, at);
      if (end === at) return { offset: at, expected: 'a valid JSON escape' };
      at = end;
    } else {
      at++;
    }
  }
  return { offset: text.length, expected: 'the closing quote of a string' };
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}
