import type { Random } from './random.js';

type Mutator = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

const CONTROLS = [
  '\0',
  '\r',
  '\n',
  '\r\n',
  '\t',
  '\u007f',
  '\u001b[2J',
  ' ',
  ':',
  ';',
  ',',
  '%',
  '\\',
  '"',
  '<',
  '{',
  '[',
];
// Overlong, cut off, surrogate halves, beyond U+10FFFF, a byte order mark in the middle, and a C1 control.
const BAD_UTF8 = ['c0af', 'e282', 'eda080', 'f4908080', 'ff', 'efbbbf', 'c29b', '80'].map((hex) =>
  Buffer.from(hex, 'hex'),
);
const HUGE = [
  ...['0', '-1', '+2', '4294967296', '9007199254740993', '18446744073709551616'],
  ...['1e999', '0x10', '00', ' 7', '7 ', '7,7', ''],
];
const SIZES = ['0', 'ffffffffffffffff', '-1', '1\n', 'g', '0x2', '00000000000000001', '2 ;a', ''];
const HEADERS = [
  ...[
    'Content-Length: 3',
    'Content-Length: 0',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: identity',
  ],
  ...[
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding : chunked',
    'Transfer-Encoding:\tchunked',
  ],
  ...[
    'Expect: 100-continue',
    'Expect: nothing',
    'Connection: close',
    'Connection: Upgrade',
    'Upgrade: h2c',
  ],
  ...[
    'Content-Encoding: gzip',
    'Content-Encoding: deflate',
    'Content-Encoding: br',
    'Content-Encoding: gzip, gzip',
  ],
  ...[
    'Content-Type: multipart/form-data; boundary=',
    'Content-Type: application/xml; charset=utf-16',
  ],
  ...[
    'Content-Type: text/plain; charset=x-user-defined',
    'Content-Type: application/x-www-form-urlencoded',
  ],
  ...[
    'X-Signature: \u0080\u009b',
    ' folded: yes',
    ': empty',
    'X-Trackbridge-Event: 1/9;{;',
    'Trailer: x',
  ],
];

const MUTATORS: readonly Mutator[] = [
  flipBits,
  (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  (bytes, random) => bytes.subarray(random.below(bytes.length)),
  (bytes, random, other) =>
    Buffer.concat([
      bytes.subarray(0, random.below(bytes.length)),
      other.subarray(random.below(other.length)),
    ]),
  (bytes, _random, other) => Buffer.concat([bytes, other]),
  remove,
  repeat,
  (bytes, random) => insert(bytes, random, Buffer.from(random.pick(CONTROLS), 'latin1')),
  (bytes, random) => insert(bytes, random, random.pick(BAD_UTF8)),
  (bytes, random) => replaceMatch(bytes, random, /\d+/g, random.pick(HUGE)),
  (bytes, random) => replaceMatch(bytes, random, /(?<=content-length: )\d+/gi, random.pick(HUGE)),
  (bytes, random) =>
    replaceMatch(bytes, random, /(?<=\r\n)[0-9a-f]+(?=[;\r])/gi, random.pick(SIZES)),
  doubleHeader,
  addHeader,
  addHeader,
  (bytes, random) =>
    replaceMatch(bytes, random, /\r\n/g, random.pick(['\n', '\r', '', '\r\n\r\n'])),
  (bytes, random) =>
    replaceMatch(
      bytes,
      random,
      /HTTP\/1\.1/g,
      random.pick(['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'http/1.1', '']),
    ),
  (bytes, random) =>
    replaceMatch(
      bytes,
      random,
      /^[A-Z]+/g,
      random.pick(['HEAD', 'PRI', 'QUERY', 'TRACE', 'get', 'POST\t', 'PURGE']),
    ),
];

/** A few random changes to bytes that were a request; `other` is one to splice with. Never empty. */
export function mutateBytes(bytes: Buffer, random: Random, other: Buffer): Buffer {
  let mutated = bytes;
  for (let count = 1 + random.below(4); count > 0 && mutated.length > 0; count--) {
    mutated = random.pick(MUTATORS)(mutated, random, other);
  }
  return mutated.length === 0 ? bytes.subarray(0, 1) : mutated;
}

function flipBits(bytes: Buffer, random: Random): Buffer {
  const flipped = Buffer.from(bytes);
  for (let count = 1 + random.below(4); count > 0; count--) {
    const at = random.below(flipped.length);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
  }
  return flipped;
}

function span(bytes: Buffer, random: Random): readonly [number, number] {
  const from = random.below(bytes.length);
  return [from, from + 1 + random.below(Math.min(64, bytes.length - from))];
}

function remove(bytes: Buffer, random: Random): Buffer {
  const [from, to] = span(bytes, random);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
}

function repeat(bytes: Buffer, random: Random): Buffer {
  const [from, to] = span(bytes, random);
  const times = random.chance(0.05) ? 2_000 : 1 + random.below(30);
  const piece = bytes.subarray(from, to);
  return Buffer.concat([
    bytes.subarray(0, to),
    ...Array<Buffer>(times).fill(piece),
    bytes.subarray(to),
  ]);
}

function insert(bytes: Buffer, random: Random, piece: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
}

function replaceMatch(bytes: Buffer, random: Random, pattern: RegExp, by: string): Buffer {
  const text = bytes.toString('latin1');
  const matches = [...text.matchAll(pattern)];
  if (matches.length === 0) return bytes;
  const match = random.pick(matches);
  return Buffer.from(
    text.slice(0, match.index) + by + text.slice(match.index + match[0].length),
    'latin1',
  );
}

function doubleHeader(bytes: Buffer, random: Random): Buffer {
  const text = bytes.toString('latin1');
  const lines = [...text.matchAll(/\r\n[^\r\n:]+:[^\r\n]*/g)];
  if (lines.length === 0) return bytes;
  const line = random.pick(lines);
  return Buffer.from(text.slice(0, line.index) + line[0] + text.slice(line.index), 'latin1');
}

function addHeader(bytes: Buffer, random: Random): Buffer {
  const at = bytes.indexOf('\r\n');
  if (at < 0) return bytes;
  const line = Buffer.from(`\r\n${random.pick(HEADERS)}`, 'latin1');
  return Buffer.concat([bytes.subarray(0, at), line, bytes.subarray(at)]);
}
