import type { VerifyConfig } from '../../config/config.js';
import { timeLimit } from '../../core/clock.js';
import { secretFinder } from '../../verify/compare.js';
import { beginsUnambiguously, firstElement, isUnambiguous } from '../../verify/first-element.js';
import { headerLines } from '../../verify/header-lines.js';
import { segmentSignature } from '../../verify/segment-signature.js';
import { hmacKeys, isSigned } from '../../verify/signature.js';
import { candidatesOf, type SignedIds } from './candidates.js';
import type { Deviation } from './deviation.js';
import { STYLES, writeJson } from './json/style.js';
import { type JsonTree, readJson } from './json/tree.js';
import { search } from './search.js';

export interface ToExplain {
  /** Not empty. */
  readonly secrets: readonly string[];
  readonly signature: string;
  readonly body: Buffer;
  readonly batch: Extract<VerifyConfig, { scheme: 'segment-signature' }>['batch'];
  /** Set if the sender signs them with the body. */
  readonly ids?: SignedIds;
}

export type Explanation =
  | {
      readonly valid: true;
      /** Which of the secrets, from 1. */
      readonly secret: number;
      /** Which bytes of the body are signed, `to` exclusive. */
      readonly over: {
        readonly part: 'body' | 'first-element' | 'first-element-json';
        readonly from: number;
        readonly to: number;
      };
      readonly covers: 'all' | 'first';
    }
  | {
      readonly valid: false;
      /** Which of the secrets made the signature, from 1; undefined if nothing was found, or no secret made it. */
      readonly secret?: number;
      /** Everything to correct for the signature to become valid; empty if nothing was found. */
      readonly causes: readonly Deviation[];
      /** Other observations about body and signature, as sentences. */
      readonly remarks: readonly string[];
      /** How many combinations were tried. */
      readonly tried: number;
    };

/** Says which bytes a signature covers by the rule of scheme `segment-signature`, or why it is invalid. */
export function explainSignature(input: ToExplain): Explanation {
  const { secrets, signature, body, batch } = input;
  const scheme = { scheme: 'segment-signature', header: 'x-signature', secrets, batch } as const;
  const headers = headerLines(['x-signature', signature]);
  const verdict = segmentSignature(scheme).verify(
    { method: 'POST', query: '', headers, body },
    timeLimit(60_000),
  );
  if (!(verdict instanceof Promise) && verdict.passed) return holding(input);
  const shared = secretFinder(secrets)(Buffer.from(signature.trim(), 'utf8'));
  if (shared !== undefined) {
    return { valid: false, secret: shared + 1, causes: [SHARED_SECRET], remarks: [], tried: 0 };
  }
  const candidates = candidatesOf(signature, input.ids ?? {});
  const { found, tried } = search(body, secrets, candidates);
  const remarks = remarksOn(input, candidates.length > 0);
  if (found === undefined) return { valid: false, causes: [], remarks, tried };
  const secret = found.secret === undefined ? {} : { secret: found.secret + 1 };
  const causes = isRefused(found.deviations, batch) ? [refusal(body)] : found.deviations;
  return { valid: false, ...secret, causes, remarks: [], tried };
}

const SHARED_SECRET: Deviation = {
  id: 'shared-secret',
  what: 'the header is compared with the secret: it is the secret itself, not a signature',
  fix: 'RudderStack and static headers authenticate this way. Use scheme shared-secret with this header.',
};

/** Returns the first part that a valid signature covers, in the scheme's order. */
function holding({ secrets, signature, body }: ToExplain): Explanation {
  const first = firstElement(body);
  const parts = [
    { part: 'body', bytes: body, covers: 'all' },
    { part: 'first-element', bytes: first?.element, covers: 'first' },
    { part: 'first-element-json', bytes: first?.json, covers: 'first' },
  ] as const;
  const expected = [Buffer.from(signature, 'hex')];
  for (const { part, bytes, covers } of parts) {
    if (bytes === undefined) continue;
    for (const [index, secret] of secrets.entries()) {
      if (!isSigned('sha1', hmacKeys([secret]), bytes, expected)) continue;
      const from = bytes.byteOffset - body.byteOffset;
      return {
        valid: true,
        secret: index + 1,
        over: { part, from, to: from + bytes.length },
        covers,
      };
    }
  }
  throw new TypeError('the scheme covers no part that it knows');
}

/** The signature is correct, but the scheme still rejects it. */
function isRefused(deviations: readonly Deviation[], batch: ToExplain['batch']): boolean {
  const [only, more] = deviations;
  return (
    only === undefined ||
    (batch === 'first-element' && more === undefined && only.id === 'first-element')
  );
}

function refusal(body: Buffer): Deviation {
  if (body.length === 0) {
    return {
      id: 'empty-body',
      what: 'the signature of an empty body is accepted',
      fix: 'The signature of an empty body proves nothing about the event. For GET and DELETE, use scheme shared-secret, basic or jwt.',
    };
  }
  const first = firstElement(body);
  if (first === undefined || !isUnambiguous(first) || !beginsUnambiguously(body)) {
    return {
      id: 'repeated-member',
      what: 'the first element has no repeated member: the signature matches, but parsers differ in which value they use',
      fix: 'Have the sender write each member once.',
    };
  }
  return {
    id: 'not-utf-8',
    what: 'the whole body is UTF-8: the first element is signed, but the rest could make a parser use another charset',
    fix: 'Have the sender write UTF-8.',
  };
}

function remarksOn({ body, signature, secrets }: ToExplain, readable: boolean): string[] {
  const said: string[] = [];
  if (!readable) {
    said.push(
      `The signature has ${signature.length} characters and is not a hex or base64 digest. Segment's has 40 hex digits.`,
    );
  }
  if (body.length === 0)
    said.push('The body is empty: a parser may have consumed it, or --body was cut off.');
  const written = styleOf(body);
  if (written !== undefined) {
    said.push(`The body looks like the output of ${written}, not of Segment's JSON.stringify.`);
  }
  if (
    body.length > 0 &&
    readJson(body.toString('utf8')) === undefined &&
    /^\s*[[{]/.test(body.toString('latin1', 0, 64))
  ) {
    said.push(
      'The body begins like JSON but is not valid JSON: it may have been cut off or changed.',
    );
  }
  if (/^[\w.%+-]{1,200}=/.test(body.toString('latin1', 0, 256))) {
    said.push(
      'The body is a form: Segment signs the JSON and then converts it to a form, which loses all types but text. Select JSON at Segment, or use a static header (scheme shared-secret).',
    );
  }
  if (hasSortedKeys(body)) {
    said.push(
      'All keys are in alphabetical order, as Go, jq -S and sort_keys write them. Segment signs them in the order of the event, which is lost.',
    );
  }
  if (secrets.some((secret) => /^\$\{?\w+\}?$|^\*+$|^<.*>$/.test(secret))) {
    said.push('A secret looks like a placeholder.');
  }
  return said;
}

/** Returns whose JSON style a body has, if it is not JavaScript's; undefined if nothing is unusual. */
function styleOf(body: Buffer): string | undefined {
  const text = body.toString('utf8');
  const tree = body.length > 1024 * 1024 ? undefined : readJson(text);
  if (tree === undefined) return undefined;
  const found = STYLES.find(([, style]) => writeJson(tree, style) === text)?.[0];
  return found === STYLES[0]?.[0] || found === STYLES[1]?.[0] ? undefined : found;
}

/** Whether a body has an object of five members or more, and every object's keys are sorted. */
function hasSortedKeys(body: Buffer): boolean {
  const tree = body.length > 1024 * 1024 ? undefined : readJson(body.toString('utf8'));
  let longest = 0;
  const isSorted = (each: JsonTree): boolean => {
    if (each.kind === 'array') return each.items.every(isSorted);
    if (each.kind !== 'object') return true;
    const keys = each.members.map(([key]) => key);
    longest = Math.max(longest, keys.length);
    const sorted = keys.every((key, at) => at === 0 || (keys[at - 1] ?? '') <= key);
    return sorted && each.members.every(([, value]) => isSorted(value));
  };
  return tree !== undefined && isSorted(tree) && longest >= 5;
}
