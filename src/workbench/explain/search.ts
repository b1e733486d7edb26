import { sameBytes } from '../../verify/compare.js';
import type { Candidate } from './candidates.js';
import { type Deviation, distinct, type Variant } from './deviation.js';
import { readJson } from './json/tree.js';
import { type Key, keys } from './keys.js';
import { MACS, type Mac } from './macs.js';
import { otherOrders } from './orders.js';
import { parts } from './parts.js';
import { rewritings } from './rewritings.js';

/** How the signature was made: the deviations, none if it is correct, and the secret's index (from 0). */
interface Found {
  readonly deviations: readonly Deviation[];
  readonly secret: number | undefined;
}

export interface Searched {
  readonly found: Found | undefined;
  /** How many combinations were tried. */
  readonly tried: number;
}

/** The cost of a pass in hashed bytes: about a second. */
const PASS = 600_000_000;
/** The fixed cost of one try in addition to its bytes. */
const EACH = 2_500;

/**
 * Searches for what a signature was computed over, and how: first with one deviation, then with several. Bounded: four
 * passes of about a second each, whatever the body's size.
 */
export function search(
  body: Buffer,
  secrets: readonly string[],
  candidates: readonly Candidate[],
): Searched {
  const all = distinctKeys(secrets);
  const plain = all.filter(({ deviations }) => deviations.length === 0);
  const hmac = MACS.slice(0, 1);
  let tried = 0;
  const pass = (
    messages: Iterable<Variant>,
    keyed: readonly Key[],
    macs: readonly Mac[],
  ): Found | undefined => {
    let cost = 0;
    for (const message of messages) {
      cost += message.bytes.length;
      for (const key of keyed) {
        for (const mac of macs) {
          if (key.deviations.length + mac.deviations.length > 1 && message.deviations.length > 0)
            continue;
          for (const candidate of candidates) {
            tried++;
            cost += message.bytes.length + EACH;
            if (cost > PASS) return undefined;
            if (!made(candidate, mac, key.bytes, message.bytes)) continue;
            const deviations = [message, key, mac, candidate].flatMap((each) => each.deviations);
            return { deviations, secret: key.secret };
          }
        }
      }
    }
    return undefined;
  };
  const found =
    pass(changes(body), plain, hmac) ??
    pass(changes(body), all, MACS) ??
    pass(twice(body), plain, hmac) ??
    pass(reordered(body), plain, hmac);
  return { found, tried };
}

function made(
  { algorithm, expected, before }: Candidate,
  mac: Mac,
  key: Buffer,
  message: Buffer,
): boolean {
  const whole = before === '' ? message : Buffer.concat([Buffer.from(before), message]);
  return sameBytes(mac.make(algorithm, key, whole).subarray(0, expected.length), expected);
}

/** Equal keys are attributed to the first of them. */
function distinctKeys(secrets: readonly string[]): Key[] {
  return distinct(keys(secrets)) as Key[];
}

/** Yields the body unchanged, and with one deviation. */
function* changes(body: Buffer): Generator<Variant> {
  yield { bytes: body, deviations: [] };
  yield* parts(body);
  yield* rewritings(body);
}

/** Yields the body with two deviations: a part or a change of it, changed again. */
function* twice(body: Buffer): Generator<Variant> {
  const first = function* (): Generator<Variant> {
    yield* parts(body);
    yield* rewritings(body);
  };
  for (const { bytes, deviations } of first()) {
    if (bytes.length === 0 || bytes.equals(body)) continue;
    for (const second of changed(bytes)) {
      yield { bytes: second.bytes, deviations: [...deviations, ...second.deviations] };
    }
  }
}

function* changed(bytes: Buffer): Generator<Variant> {
  yield* rewritings(bytes);
  yield* parts(bytes);
}

/** Yields the JSON of the body, and of its first element, with members in another order. */
function* reordered(body: Buffer): Generator<Variant> {
  const tree = readJson(body.toString('utf8'));
  if (tree === undefined) return;
  const what = 'the members of its objects are in another order';
  const fix =
    'After signing, the body was parsed and serialized again with its keys in another order: check the bytes as they arrived, before any body parser.';
  const deviations = [{ id: 'key-order', what, fix }];
  if (tree.kind === 'array' && tree.items[0] !== undefined) {
    for (const bytes of otherOrders(tree.items[0])) yield { bytes, deviations };
  }
  for (const bytes of otherOrders(tree)) yield { bytes, deviations };
}
