const HEAD = /^(?:[a-z\d]|(?<!^)_(?=[a-z\d]))*/;
const WORD = /[A-Z\d]+[a-z\d]*|[a-z\d]+/g;

/**
 * Names a text as Segment does (go-snakecase, which its warehouses use). Only `a-z`, `0-9` and `_` remain; empty if the
 * text has no letter or digit of ASCII.
 *
 * The head is what is in snake case already, and is kept. After it, a word is capitals and digits and then small letters
 * and digits, so a run of capitals stays together with the word behind it: `HTTPServer` is `httpserver`, `isB2B`
 * `is_b2b`. The first word joins the head if it begins right behind it and the head ends without a letter: `2FA` is
 * `2fa`.
 */
export function segmentName(text: string): string {
  const head = HEAD.exec(text)?.[0] ?? '';
  if (head.length === text.length) return text;
  const words = text.slice(head.length).match(WORD) ?? [];
  const endsInLetters = /[a-z]/.test(head.slice(head.lastIndexOf('_') + 1));
  const isOne = /^[A-Z]/.test(text.slice(head.length)) && !endsInLetters;
  const first = isOne ? head + (words.shift() ?? '') : head;
  return [...(first === '' ? [] : [first]), ...words].join('_').toLowerCase();
}
