import { brotliDecompressSync, gunzipSync, gzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import { type Variant, variant } from './deviation.js';
import { STYLES, writeJson } from './json-style.js';
import { type JsonTree, readJson } from './json-tree.js';

/** A body that inflates to more is not looked into. */
const MOST_INFLATED = 32 * 1024 * 1024;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const RAW =
  'Check the bytes as they arrived, before any body parser (Koa: mount Trackbridge before it; Express: express.raw; nginx and gateways: switch body mapping off), and save --body the same way.';

/** All that may have become of bytes between signing and checking, each undone. */
export function* rewritings(body: Buffer): Generator<Variant> {
  yield* lineEnds(body);
  yield* marks(body);
  yield* reserialised(body);
  yield* codings(body);
  yield* charsets(body);
  yield* forms(body);
  yield* texts(body);
}

function* lineEnds(body: Buffer): Generator<Variant> {
  const fix =
    'An editor, echo or heredoc adds such ends and some proxies cut them: send and save the bytes as they are (printf %s, curl --data-binary).';
  const text = body.toString('latin1');
  const ended = (to: string, what: string): Variant =>
    variant(Buffer.from(to, 'latin1'), 'line-end', what, fix);
  yield ended(text.trimEnd(), 'the line end or white space at the end of the body is taken away');
  yield ended(text.trim(), 'the white space around the body is taken away');
  yield ended(`${text}\n`, 'a line feed is added to the end of the body');
  yield ended(`${text}\r\n`, 'a CR LF is added to the end of the body');
  yield ended(`${text.trimEnd()}\n`, 'the body ends in one line feed');
  yield ended(text.replace(/\r\n/g, '\n'), 'its CR LF line ends are LF');
  yield ended(text.replace(/\r?\n/g, '\r\n'), 'its LF line ends are CR LF');
}

function* marks(body: Buffer): Generator<Variant> {
  const fix = 'Hand on the bytes unchanged: do not decode the body to text and encode it again.';
  if (body.subarray(0, 3).equals(BOM)) {
    yield variant(
      body.subarray(3),
      'byte-order-mark',
      'the byte order mark at its start is taken away',
      fix,
    );
  } else {
    yield variant(
      Buffer.concat([BOM, body]),
      'byte-order-mark',
      'a byte order mark is put before it',
      fix,
    );
  }
}

/** The same JSON as the serialisers of common languages write it. */
function* reserialised(body: Buffer): Generator<Variant> {
  const tree = readJson(body.toString('utf8'));
  if (tree === undefined) return;
  const say = (text: string, as: string): Variant =>
    variant(
      Buffer.from(text, 'utf8'),
      'reserialised',
      `the JSON is written as ${as} writes it`,
      `The body was parsed and written again after it was signed, or the signature was made over such a copy. ${RAW}`,
    );
  for (const [name, style] of STYLES) yield say(writeJson(tree, style), name);
  const [, compact] = STYLES[1] ?? [];
  if (compact === undefined) return;
  for (const changed of floats(tree)) {
    yield say(writeJson(changed, compact), 'a serialiser that prints whole numbers as 1.0');
  }
}

/** Whole numbers as floats: all of them, and each alone, as 1.0 becomes 1 in JavaScript and nobody can see which were. */
function* floats(tree: JsonTree): Generator<JsonTree> {
  const count = numbersIn(tree);
  if (count === 0) return;
  yield withFloats(tree, () => true);
  if (count > 64) return;
  for (let which = 0; which < count; which++) {
    let at = 0;
    yield withFloats(tree, () => at++ === which);
  }
}

function numbersIn(tree: JsonTree): number {
  if (tree.kind === 'array') return tree.items.reduce((sum, item) => sum + numbersIn(item), 0);
  if (tree.kind === 'object') return tree.members.reduce((sum, [, of]) => sum + numbersIn(of), 0);
  return tree.kind === 'number' && /^-?\d+$/.test(tree.text) ? 1 : 0;
}

function withFloats(tree: JsonTree, chosen: () => boolean): JsonTree {
  if (tree.kind === 'array') {
    return { kind: 'array', items: tree.items.map((item) => withFloats(item, chosen)) };
  }
  if (tree.kind === 'object') {
    const members = tree.members.map(([key, of]) => [key, withFloats(of, chosen)] as const);
    return { kind: 'object', members };
  }
  if (tree.kind !== 'number' || !/^-?\d+$/.test(tree.text)) return tree;
  return chosen() ? { kind: 'number', text: `${tree.text}.0` } : tree;
}

function* codings(body: Buffer): Generator<Variant> {
  const limit = { maxOutputLength: MOST_INFLATED };
  const undo: readonly (readonly [string, () => Buffer])[] = [
    ['gzip', () => gunzipSync(body, limit)],
    ['deflate', () => inflateSync(body, limit)],
    ['raw deflate', () => inflateRawSync(body, limit)],
    ['brotli', () => brotliDecompressSync(body, limit)],
  ];
  for (const [name, inflate] of undo) {
    const inflated = attempt(inflate);
    if (inflated === undefined || inflated.length === 0) continue;
    yield variant(
      inflated,
      'compressed',
      `the body is taken after its ${name} is undone`,
      'The sender signed what it then compressed: undo Content-Encoding first and check what comes out.',
    );
  }
  if (body.length < 1024 * 1024) {
    for (const [level, system] of [6, 9, 1].flatMap((each) =>
      [3, 255, 0, 19].map((os) => [each, os]),
    )) {
      const zipped = gzipSync(body, { level: level ?? 6 });
      zipped[9] = system ?? 3;
      yield variant(
        zipped,
        'signed-compressed',
        'the body is compressed with gzip',
        'The signature is over the compressed bytes: have the sender sign before it compresses, or check what arrives before Content-Encoding is undone.',
      );
    }
  }
  const text = body.toString('latin1').trim();
  const decoded = Buffer.from(text, 'base64');
  if (decoded.length > 0 && /^[\w+/-]+={0,2}$/.test(text)) {
    yield variant(
      decoded,
      'base64-body',
      'the body is decoded from base64',
      'A gateway handed the body on as base64 (AWS: isBase64Encoded): decode it first.',
    );
  }
  yield variant(
    Buffer.from(body.toString('base64'), 'latin1'),
    'base64-body',
    'the body is encoded as base64',
    'The sender signed the base64 of the body: sign the body itself.',
  );
}

function* charsets(body: Buffer): Generator<Variant> {
  const text = body.toString('utf8');
  const fix = 'Sign and send the same UTF-8 bytes, and hand them on as bytes, not as text.';
  const say = (bytes: Buffer, what: string): Variant => variant(bytes, 'charset', what, fix);
  yield say(Buffer.from(text, 'latin1'), 'the body is encoded as Latin-1');
  yield say(
    Buffer.from(body.toString('latin1'), 'utf8'),
    'the body is read as Latin-1 and written as UTF-8',
  );
  const utf16 = Buffer.from(text, 'utf16le');
  yield say(utf16, 'the body is encoded as UTF-16 (little-endian)');
  yield say(Buffer.from(utf16).swap16(), 'the body is encoded as UTF-16 (big-endian)');
  if (body.length % 2 === 0) {
    yield say(Buffer.from(body.toString('utf16le'), 'utf8'), 'the body is read as UTF-16');
    yield say(
      Buffer.from(Buffer.from(body).swap16().toString('utf16le'), 'utf8'),
      'the body is read as UTF-16 (big-endian)',
    );
  }
  yield say(Buffer.from(text.normalize('NFC'), 'utf8'), 'its text is normalised (NFC)');
  yield say(Buffer.from(text.normalize('NFD'), 'utf8'), 'its text is decomposed (NFD)');
  const unreplaced = attempt(() => Buffer.from(text.replace(/[^\0-\u007f]/g, '?'), 'latin1'));
  if (unreplaced !== undefined)
    yield say(unreplaced, 'everything that is not ASCII is a question mark');
}

function* forms(body: Buffer): Generator<Variant> {
  const text = body.toString('utf8').trim();
  if (text.startsWith('{') || text.startsWith('[') || text.length > 1024 * 1024) return;
  const fix =
    'Segment’s extensible webhook signs the JSON and then sends a form: no receiver can check that over the body. Send JSON, or use a static header (scheme shared-secret).';
  const parameters = new URLSearchParams(text);
  const values = Object.fromEntries(parameters);
  if (text.includes('=')) {
    yield variant(Buffer.from(JSON.stringify(values)), 'form', 'the form is written as JSON', fix);
  }
  const reencoded =
    'The form was decoded or encoded again on its way: hand on the body as it came.';
  const decoded = attempt(() => decodeURIComponent(text.replace(/\+/g, ' ')));
  if (decoded !== undefined) {
    yield variant(Buffer.from(decoded), 'form', 'the form is taken URL-decoded', reencoded);
  }
  yield variant(Buffer.from(parameters.toString()), 'form', 'the form is encoded again', reencoded);
  yield variant(
    Buffer.from(text.replace(/\+/g, '%20')),
    'form',
    'its spaces are %20 instead of +',
    reencoded,
  );
  for (const [name, value] of parameters) {
    yield variant(
      Buffer.from(value),
      'form',
      `the value of its field ${JSON.stringify(name.slice(0, 40))} is checked alone`,
      'The signed text travels as a form field: check that field’s value, or send it as the body.',
    );
  }
}

/** What programs make of a body that they no longer have as bytes. */
function* texts(body: Buffer): Generator<Variant> {
  const text = body.toString('utf8');
  const inner = attempt((): unknown => JSON.parse(text));
  if (typeof inner === 'string') {
    yield variant(
      Buffer.from(inner),
      'double-encoded',
      'the JSON text inside this JSON string is checked',
      'The body was serialised twice: once is enough, take the inner text.',
    );
  }
  yield variant(
    Buffer.from(JSON.stringify(text)),
    'double-encoded',
    'the body is a JSON string that holds this text',
    'The signer serialised text that was JSON already: sign the text itself.',
  );
  const consumed = (signed: string, name: string): Variant =>
    variant(
      Buffer.from(signed),
      'not-the-body',
      `the body is ${name}`,
      'The signer had lost the body when it signed (a stream that was read before, a variable that was not set, an object instead of its text): sign the bytes that are sent.',
    );
  yield consumed('', 'empty');
  yield consumed('{}', '{}');
  yield consumed('null', 'null');
  yield consumed('undefined', 'the word undefined');
  yield consumed('[object Object]', '[object Object]');
  yield consumed(`b'${text}'`, "Python’s notation of bytes, b'...'");
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
