import { decodeBase64 } from '../../verify/authorization.js';
import type { Deviation } from './deviation.js';

export type Algorithm = 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

/** The signature as bytes, under one interpretation of its text. */
export interface Candidate {
  readonly algorithm: Algorithm;
  /** A complete digest, or its first bytes if the text was truncated. */
  readonly expected: Buffer;
  /** What precedes the body in the signed text, such as a time; may be empty. */
  readonly before: string;
  readonly deviations: readonly Deviation[];
}

const BY_SIZE: ReadonlyMap<number, Algorithm> = new Map([
  [16, 'md5'],
  [20, 'sha1'],
  [28, 'sha224'],
  [32, 'sha256'],
  [48, 'sha384'],
  [64, 'sha512'],
]);
/** Fewer bytes would match by chance. */
const SHORTEST = 8;

/**
 * Returns every interpretation of a signature's text, the plain hex of an HMAC-SHA1 without deviations; `[]` if it is
 * not a digest.
 */
export function candidatesOf(text: string, ids: SignedIds): Candidate[] {
  // A whole header line is an error of the person who pasted it, not of the sender.
  const line = text.trim().replace(/^x-[\w-]{1,40}:\s{0,9}/i, '');
  return [...unquoted(line)].flatMap(({ text: bare, deviations }) =>
    [...prefixed(bare, ids)].flatMap((each) =>
      digests(each.text).map((digest) => ({
        algorithm: digest.algorithm,
        expected: digest.expected,
        before: each.before,
        deviations: [...deviations, ...each.deviations, ...digest.deviations],
      })),
    ),
  );
}

/** What Standard Webhooks signs before the body; both are sent in their own headers. */
export interface SignedIds {
  readonly id?: string;
  readonly timestamp?: string;
}

interface Bare {
  readonly text: string;
  readonly before: string;
  readonly deviations: readonly Deviation[];
}

function* unquoted(text: string): Generator<Bare> {
  yield { text, before: '', deviations: [] };
  const bare = text.replace(/^["'<]|["'>]$/g, '');
  if (bare === text) return;
  const what = 'the quotes around it are removed';
  const fix = 'Have the sender write the bare value, without quotes.';
  yield { text: bare, before: '', deviations: [{ id: 'quotes', what, fix }] };
}

function* prefixed(text: string, { id, timestamp }: SignedIds): Generator<Bare> {
  yield { text, before: '', deviations: [] };
  const found = /^(?:hmac-)?(sha1|sha256|sha512|md5|v0|v1|hmac)\s{0,3}[=,: ]\s{0,3}/i.exec(
    text,
  )?.[0];
  if (found !== undefined) {
    const what = `its prefix ${found.trim()} is removed`;
    const fix = `Set scheme: hmac and prefix: "${found}", or have the sender write the bare value: Segment's has no prefix.`;
    yield { text: text.slice(found.length), before: '', deviations: [{ id: 'prefix', what, fix }] };
  }
  const own = /^t=(\d{1,20}),v1=(\w{8,200})$/.exec(text);
  if (own !== null) {
    const what = 'the time in the signature and a dot are put before the body';
    const fix = `The sender signs as Stripe does. Trackbridge does not support that: use shared-secret or basic with this sender.`;
    const deviations = [{ id: 'timestamped', what, fix }];
    yield { text: String(own[2]), before: `${own[1]}.`, deviations };
  }
  if (id !== undefined && timestamp !== undefined) {
    const what = 'webhook-id and webhook-timestamp are put before the body';
    const fix =
      'The sender signs according to Standard Webhooks. Trackbridge does not support that: use shared-secret, basic or jwt with this sender.';
    for (const part of text.split(' ').slice(0, 8)) {
      const deviations = [{ id: 'standard-webhooks', what, fix }];
      yield { text: part.replace(/^v1,/, ''), before: `${id}.${timestamp}.`, deviations };
    }
  }
}

interface Digest {
  readonly algorithm: Algorithm;
  readonly expected: Buffer;
  readonly deviations: readonly Deviation[];
}

function digests(text: string): Digest[] {
  if (isHex(text)) return ofBytes(Buffer.from(text, 'hex'), text.length, []);
  const padded = text.replace(/-/g, '+').replace(/_/g, '/');
  const standard = decodeBase64(padded.padEnd(Math.ceil(padded.length / 4) * 4, '='));
  if (standard === undefined || standard.length === 0) return [];
  const name = padded === text && text.length % 4 === 0 ? 'base64' : 'base64url';
  const encoded = (what: string, fix: string): Deviation => ({ id: 'encoding', what, fix });
  const inner = standard.toString('latin1');
  if (isHex(inner)) {
    const fix = 'Have the sender write the hex digest itself, not its base64.';
    const why = encoded('it is the base64 of the hex text', fix);
    return ofBytes(Buffer.from(inner, 'hex'), inner.length, [why]);
  }
  const fix =
    name === 'base64'
      ? 'Set scheme: hmac and encoding: base64, or have the sender write hex, as Segment does.'
      : 'Have the sender write hex, as Segment does. Trackbridge does not support base64url signatures.';
  return ofBytes(standard, standard.length * 2, [
    encoded(`it is read as ${name} instead of hex`, fix),
  ]);
}

function ofBytes(bytes: Buffer, hexLength: number, deviations: readonly Deviation[]): Digest[] {
  const algorithm = hexLength % 2 === 0 ? BY_SIZE.get(bytes.length) : undefined;
  if (algorithm !== undefined) {
    const differs = algorithm === 'sha1' ? [] : [otherAlgorithm(algorithm)];
    const whole = { algorithm, expected: bytes, deviations: [...deviations, ...differs] };
    // It has the length of an MD5 but may as well be half of a longer digest.
    return algorithm === 'md5' ? [whole, ...cutDigests(bytes, deviations)] : [whole];
  }
  return bytes.length < SHORTEST ? [] : cutDigests(bytes, deviations);
}

function cutDigests(bytes: Buffer, deviations: readonly Deviation[]): Digest[] {
  const what = 'it is the beginning of a longer one';
  const fix =
    'The signature was truncated: copy the whole header, or widen the column or log field that stores it.';
  return (['sha1', 'sha256', 'sha512'] as const).map((each) => ({
    algorithm: each,
    expected: bytes,
    deviations: [
      ...deviations,
      { id: 'cut', what, fix },
      ...(each === 'sha1' ? [] : [otherAlgorithm(each)]),
    ],
  }));
}

function otherAlgorithm(algorithm: Algorithm): Deviation {
  const taken = algorithm === 'sha256' || algorithm === 'sha512';
  return {
    id: 'algorithm',
    what: `${algorithm} is used instead of sha1`,
    fix: taken
      ? `Set scheme: hmac and algorithm: ${algorithm}, or have the sender use HMAC-SHA1, as Segment does.`
      : 'Have the sender use HMAC-SHA1, as Segment does.',
  };
}

function isHex(text: string): boolean {
  return /^[0-9a-f]+$/i.test(text);
}
