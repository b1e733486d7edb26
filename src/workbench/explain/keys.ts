import { type Variant, variant } from './deviation.js';

/** A key that may have signed: the secret it comes from (from 0), and how it was derived. */
export interface Key extends Variant {
  /** Undefined for keys that come from no secret. */
  readonly secret?: number;
}

/** Yields every way in which the given secrets become keys, the correct one first. */
export function* keys(secrets: readonly string[]): Generator<Key> {
  for (const [secret, text] of secrets.entries()) {
    yield { bytes: Buffer.from(text, 'utf8'), deviations: [], secret };
  }
  for (const [secret, text] of secrets.entries()) {
    for (const each of misread(text)) yield { ...each, secret };
  }
  for (const [text, name] of NO_SECRET) {
    yield variant(
      Buffer.from(text),
      'no-secret',
      `the secret is ${name}`,
      'The signer had no secret: set it there. A missing environment variable becomes such a text.',
    );
  }
}

const NO_SECRET = [
  ['', 'empty'],
  ['undefined', 'the word undefined'],
  ['null', 'the word null'],
  ['None', 'the word None'],
] as const;

function* misread(text: string): Generator<Variant> {
  yield* trimmed(text);
  yield* decoded(text);
  yield* spelled(text);
}

function* trimmed(text: string): Generator<Variant> {
  const fix =
    'Copy the secret again at the vendor and here, without quotes, spaces or a line break. echo adds a line break; printf %s does not.';
  const say = (to: string, what: string): Variant =>
    variant(Buffer.from(to, 'utf8'), 'secret-whitespace', what, fix);
  yield say(text.trim(), 'the whitespace around the secret is removed');
  yield say(text.trim().replace(/^["'`]|["'`]$/g, ''), 'the quotes around the secret are removed');
  yield say(`${text}\n`, 'a line break follows the secret');
  yield say(`${text}\r\n`, 'a CR LF follows the secret');
  yield say(` ${text}`, 'a space precedes the secret');
  yield say(`${text} `, 'a space follows the secret');
  yield say(`"${text}"`, 'double quotes surround the secret');
  yield say(`'${text}'`, 'single quotes surround the secret');
}

function* decoded(text: string): Generator<Variant> {
  const fix =
    'Segment and most vendors use the text of the secret itself, as UTF-8: do not decode it on either side, or give both sides the decoded form.';
  const say = (bytes: Buffer, what: string): Variant =>
    variant(bytes, 'secret-encoding', what, fix);
  const bare = text.replace(/^whsec_/, '');
  if (/^(?:[0-9a-f]{2})+$/i.test(text)) {
    yield say(Buffer.from(text, 'hex'), 'the secret is decoded from hex');
  }
  if (/^[\w+/-]+={0,2}$/.test(bare)) {
    const what = 'the secret is decoded from base64';
    yield say(Buffer.from(bare, 'base64'), bare === text ? what : `${what} after whsec_`);
    if (bare !== text) yield say(Buffer.from(bare), 'whsec_ is removed from the secret');
  }
  const bytes = Buffer.from(text, 'utf8');
  yield say(Buffer.from(bytes.toString('hex')), 'the secret is encoded as hex');
  yield say(Buffer.from(bytes.toString('base64')), 'the secret is encoded as base64');
  yield say(Buffer.from(bytes.toString('base64url')), 'the secret is encoded as base64url');
}

function* spelled(text: string): Generator<Variant> {
  const fix = 'Write the secret the same way at the vendor and here.';
  const say = (bytes: Buffer, what: string): Variant =>
    variant(bytes, 'secret-spelling', what, fix);
  yield say(Buffer.from(text, 'latin1'), 'the secret is encoded as Latin-1');
  yield say(Buffer.from(text, 'utf16le'), 'the secret is encoded as UTF-16');
  yield say(Buffer.from(text.normalize('NFC')), 'the secret is normalized (NFC)');
  yield say(Buffer.from(text.normalize('NFD')), 'the secret is decomposed (NFD)');
  yield say(Buffer.from(text.toLowerCase()), 'the secret is in lower case');
  yield say(Buffer.from(text.toUpperCase()), 'the secret is in upper case');
  try {
    yield say(Buffer.from(encodeURIComponent(text)), 'the secret is URL-encoded');
    yield say(Buffer.from(decodeURIComponent(text)), 'the secret is URL-decoded');
  } catch {
    // A literal percent sign or an unpaired surrogate: not URL-encoded.
  }
}
