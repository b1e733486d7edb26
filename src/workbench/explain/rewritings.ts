import { brotliDecompressSync, gunzipSync, gzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import { type Variant, variant } from './deviation.js';
import { STYLES, writeJson } from './json/style.js';
import { type JsonTree, readJson } from './json/tree.js';

/** A body that inflates to more is not examined. */
const MOST_INFLATED = 32 * 1024 * 1024;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const RAW =
  'Check the bytes as they arrived, before any body parser (Koa: mount Trackbridge before it; Express: express.raw; nginx and gateways: turn body mapping off), and save --body the same way.';

/** Yields every change that bytes may have undergone between signing and verification, each reversed. */
export function* rewritings(body: Buffer): Generator<Variant> {
  yield* lineEnds(body);
  yield* marks(body);
  yield* reserialized(body);
  yield* codings(body);
  yield* charsets(body);
  yield* forms(body);
  yield* texts(body);
}

function* lineEnds(body: Buffer): Generator<Variant> {
  const fix =
    'Editors, echo and heredocs add line breaks, and some proxies remove them: send and save the exact bytes (printf %s, curl --data-binary).';
  const text = body.toString('latin1');
  const ended = (to: string, what: string): Variant =>
    variant(Buffer.from(to, 'latin1'), 'line-end', what, fix);
  yield ended(text.trimEnd(), 'the whitespace at the end of the body is removed');
  yield ended(text.trim(), 'the whitespace around the body is removed');
  yield ended(`${text}\n`, 'a line feed is added to the end of the body');
  yield ended(`${text}\r\n`, 'a CR LF is added to the end of the body');
  yield ended(`${text.trimEnd()}\n`, 'the body ends in one line feed');
  yield ended(text.replace(/\r\n/g, '\n'), 'its CR LF line ends are LF');
  yield ended(text.replace(/\r?\n/g, '\r\n'), 'its LF line ends are CR LF');
}

function* marks(body: Buffer): Generator<Variant> {
  const fix = 'Forward the bytes unchanged: do not decode the body to text and encode it again.';
  if (body.subarray(0, 3).equals(BOM)) {
    yield variant(
      body.subarray(3),
      'byte-order-mark',
      'the byte order mark at its start is removed',
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

/** Yields the same JSON as the serializers of common languages write it. */
function* reserialized(body: Buffer): Generator<Variant> {
  const tree = readJson(body.toString('utf8'));
  if (tree === undefined) return;
  const say = (text: string, as: string): Variant =>
    variant(
      Buffer.from(text, 'utf8'),
      'reserialized',
      `the JSON is serialized as ${as} does`,
      `The body was parsed and serialized again after it was signed, or the sender signed such a copy. ${RAW}`,
    );
  for (const [name, style] of STYLES) yield say(writeJson(tree, style), name);
  const [, compact] = STYLES[1] ?? [];
  if (compact === undefined) return;
  for (const changed of floats(tree)) {
    yield say(writeJson(changed, compact), 'a serializer that prints whole numbers as 1.0');
  }
}

/**
 * Integers as floats: all of them, and each alone, because 1.0 becomes 1 in JavaScript and the result does not show
 * which were floats.
 */
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
      `its ${name} is decompressed first`,
      'The sender signed the body, then compressed it: decompress it before you check the signature.',
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
        'The signature is over the compressed bytes: have the sender sign before it compresses, or check the signature before you decompress.',
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
      'A gateway forwarded the body as base64 (AWS: isBase64Encoded): decode it first.',
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
  const fix = 'Sign and send the same UTF-8 bytes, and forward them as bytes, not as text.';
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
  yield say(Buffer.from(text.normalize('NFC'), 'utf8'), 'its text is normalized (NFC)');
  yield say(Buffer.from(text.normalize('NFD'), 'utf8'), 'its text is decomposed (NFD)');
  const unreplaced = attempt(() => Buffer.from(text.replace(/[^\0-\u007f]/g, '?'), 'latin1'));
  if (unreplaced !== undefined)
    yield say(unreplaced, 'each non-ASCII character is a question mark');
}

function* forms(body: Buffer): Generator<Variant> {
  const text = body.toString('utf8').trim();
  if (text.startsWith('{') || text.startsWith('[') || text.length > 1024 * 1024) return;
  const fix =
    'Segment’s extensible webhook signs the JSON and then sends a form, so no receiver can check the signature. Send JSON, or use a static header (scheme shared-secret).';
  const parameters = new URLSearchParams(text);
  const values = Object.fromEntries(parameters);
  if (text.includes('=')) {
    yield variant(
      Buffer.from(JSON.stringify(values)),
      'form',
      'the form is converted to JSON',
      fix,
    );
  }
  const reencoded = 'Something decoded or encoded the form again: forward the body unchanged.';
  const decoded = attempt(() => decodeURIComponent(text.replace(/\+/g, ' ')));
  if (decoded !== undefined) {
    yield variant(Buffer.from(decoded), 'form', 'the form is URL-decoded', reencoded);
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
      `the value of its field ${JSON.stringify(name.slice(0, 40))} is checked on its own`,
      'The signed text travels as a form field: check that field’s value, or send it as the body.',
    );
  }
}

/** Yields what programs make of a body after they have lost its bytes. */
function* texts(body: Buffer): Generator<Variant> {
  const text = body.toString('utf8');
  const inner = attempt((): unknown => JSON.parse(text));
  if (typeof inner === 'string') {
    yield variant(
      Buffer.from(inner),
      'double-encoded',
      'the JSON text inside this JSON string is checked',
      'The body was serialized twice: serialize it once.',
    );
  }
  yield variant(
    Buffer.from(JSON.stringify(text)),
    'double-encoded',
    'the body is a JSON string of this text',
    'The signer serialized text that already was JSON: sign the text itself.',
  );
  const consumed = (signed: string, name: string): Variant =>
    variant(
      Buffer.from(signed),
      'not-the-body',
      `the body is ${name}`,
      'The signer no longer had the body: its stream was consumed, a variable was not set, or an object stood for its text. Sign the bytes that are sent.',
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
