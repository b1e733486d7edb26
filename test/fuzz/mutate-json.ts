import type { Random } from './random.js';

const nested = (open: string, close: string, depth: number): string =>
  open.repeat(depth) + close.repeat(depth);

// As JSON text: what a decoder, the canonical form, the outbox and the sinks must live with.
const VALUES: readonly string[] = [
  ...['null', 'true', '0', '-0', '1e999', '-1e-999', '123456789012345678901234567890', '1.0'],
  ...['""', '" "', '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udc00\\ud800"', '"\\u001b[31m"'],
  ...[
    '"\\u009b2J"',
    '"\\u202e"',
    '"\\u2028\\n\\r\\t"',
    '"\u{1f468}\u200d\u{1f467}"',
    '"\\"\\\\\\/"',
  ],
  ...['[]', '{}', '[[]]', '[null]', '{"":""}', '{"a":1,"a":2}', '{"__proto__":{"polluted":1}}'],
  ...[
    '{"constructor":{"prototype":{"polluted":1}}}',
    '{"\\u005f_proto__":1}',
    '{"hasOwnProperty":1}',
  ],
  ...['{"toJSON":1}', '{"then":1}', '{"length":-1}', '{"toString":null,"valueOf":null}'],
  ...[
    '"2026-01-02T03:04:05Z"',
    '"0001-01-01T00:00:00Z"',
    '"9999-12-31T23:59:60+23:59"',
    '1767323045000',
  ],
  ...['"track"', '"IDENTIFY"', '"record"', '"delete"', '"batch"', '"1.2.3.4:80"', '"[::1]:1"'],
  nested('[', ']', 99),
  nested('[', ']', 101),
  `${'{"a":'.repeat(98)}1${'}'.repeat(98)}`,
  `"${'x'.repeat(600)}"`,
  `"${'\\u0001'.repeat(5_000)}"`,
  `[${'1,'.repeat(3_000)}1]`,
  `"${'é'.repeat(2_000)}"`,
  `"${'long'.repeat(10_000)}"`,
];
const KEYS = [
  ...[
    'type',
    'messageId',
    'userId',
    'anonymousId',
    'event',
    'properties',
    'traits',
    'context',
    'batch',
  ],
  ...[
    'timestamp',
    'sentAt',
    'originalTimestamp',
    'receivedAt',
    'receipt',
    'integrations',
    'writeKey',
  ],
  ...[
    'request_ip',
    '__proto__',
    'constructor',
    '',
    'a.b',
    'a[0]',
    '\\u0000',
    '\\ud800',
    'json',
    'body',
  ],
];
const TOKEN = /"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null/g;

/** JSON text with a few of its tokens changed; mostly still JSON. */
export function mutateJson(text: string, random: Random): string {
  let mutated = text;
  for (let count = 1 + random.below(3); count > 0; count--) mutated = mutateOnce(mutated, random);
  return mutated;
}

function mutateOnce(text: string, random: Random): string {
  const tokens = [...text.matchAll(TOKEN)];
  if (tokens.length === 0) return random.pick(VALUES);
  const token = random.pick(tokens);
  const start = token.index;
  const end = start + token[0].length;
  const isKey = text.slice(end).trimStart().startsWith(':');
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2:
      return text.slice(0, start) + hostile(random, isKey) + text.slice(end);
    case 3: {
      const open = text.indexOf('{');
      const rest = text.slice(open + 1);
      const comma = rest.trimStart().startsWith('}') ? '' : ',';
      if (open < 0) return text;
      return `${text.slice(0, open + 1)}"${random.pick(KEYS)}":${random.pick(VALUES)}${comma}${rest}`;
    }
    case 4:
      return random.pick([
        `[${text}]`,
        `[${text},${text}]`,
        `{"batch":[${text},${random.pick(VALUES)}]}`,
        `[{"json":${text}},${random.pick(VALUES)}]`,
        `[${random.pick(VALUES)},${text}]`,
      ]);
    case 5:
      return text.slice(0, start) + text.slice(end);
    case 6:
      return `${random.pick(['\ufeff', ' \n\t', '\u00a0', ")]}',\n"])}${text}`;
    default:
      return text + random.pick(['', ' ', '\n', '}', ']', ',', '\0', text]);
  }
}

function hostile(random: Random, isKey: boolean): string {
  return isKey ? `"${random.pick(KEYS)}"` : random.pick(VALUES);
}
