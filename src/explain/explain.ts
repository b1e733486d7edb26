import type { VerifyConfig } from '../config/config.js';
import { secretFinder } from '../verify/compare.js';
import { firstElement, repeatsMember } from '../verify/first-element.js';
import { headerLines } from '../verify/header-lines.js';
import { segmentSignature } from '../verify/segment-signature.js';
import { hmacKeys, isSigned } from '../verify/signature.js';
import type { Deviation } from './deviation.js';
import { STYLES, writeJson } from './json-style.js';
import { type JsonTree, readJson } from './json-tree.js';
import { readings, type SignedIds } from './readings.js';
import { search } from './search.js';

export interface ToExplain {
  /** Not empty. */
  readonly secrets: readonly string[];
  readonly signature: string;
  readonly body: Buffer;
  readonly batch: Extract<VerifyConfig, { scheme: 'segment-signature' }>['batch'];
  /** Where the sender signs them with the body. */
  readonly ids?: SignedIds;
}

export type Explanation =
  | {
      readonly holds: true;
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
      readonly holds: false;
      /** Which of the secrets made the signature, from 1; undefined where nothing was found, or no secret made it. */
      readonly secret?: number;
      /** What has to be put right, all of it, for the signature to hold; empty where nothing was found. */
      readonly causes: readonly Deviation[];
      /** What else is remarkable about body and signature, as sentences. */
      readonly remarks: readonly string[];
      /** How many combinations were tried. */
      readonly tried: number;
    };

/** Says over which bytes a signature holds by the rule of scheme `segment-signature`, or else what is wrong with it. */
export function explainSignature(input: ToExplain): Explanation {
  const { secrets, signature, body, batch } = input;
  const scheme = { scheme: 'segment-signature', header: 'x-signature', secrets, batch } as const;
  const headers = headerLines(['x-signature', signature]);
  const verdict = segmentSignature(scheme).verify(
    { method: 'POST', query: '', headers, body },
    AbortSignal.timeout(60_000),
  );
  if (!(verdict instanceof Promise) && verdict.holds) return holding(input);
  const shared = secretFinder(secrets)(Buffer.from(signature.trim(), 'utf8'));
  if (shared !== undefined) {
    return { holds: false, secret: shared + 1, causes: [SHARED_SECRET], remarks: [], tried: 0 };
  }
  const signed = readings(signature, input.ids ?? {});
  const { found, tried } = search(body, secrets, signed);
  const remarks = remarksOn(input, signed.length > 0);
  if (found === undefined) return { holds: false, causes: [], remarks, tried };
  const secret = found.secret === undefined ? {} : { secret: found.secret + 1 };
  const causes = isRefused(found.deviations, batch) ? [refusal(body)] : found.deviations;
  return { holds: false, ...secret, causes, remarks: [], tried };
}

const SHARED_SECRET: Deviation = {
  id: 'shared-secret',
  what: 'the header were compared with the secret: it is the secret itself, not a signature made with it',
  fix: 'That is how RudderStack and static headers prove who they are: use scheme shared-secret with this header.',
};

/** Where the signature holds, the first part that it is over; the order is the scheme's. */
function holding({ secrets, signature, body }: ToExplain): Explanation {
  const first = firstElement(body);
  const candidates = [
    { part: 'body', bytes: body, covers: 'all' },
    { part: 'first-element', bytes: first?.element, covers: 'first' },
    { part: 'first-element-json', bytes: first?.json, covers: 'first' },
  ] as const;
  const expected = [Buffer.from(signature, 'hex')];
  for (const { part, bytes, covers } of candidates) {
    if (bytes === undefined) continue;
    for (const [index, secret] of secrets.entries()) {
      if (!isSigned('sha1', hmacKeys([secret]), bytes, expected)) continue;
      const from = bytes.byteOffset - body.byteOffset;
      return {
        holds: true,
        secret: index + 1,
        over: { part, from, to: from + bytes.length },
        covers,
      };
    }
  }
  throw new TypeError('the scheme holds over no part that it knows');
}

/** The signature is right, and the scheme still does not take it. */
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
      what: 'a signature of nothing were taken: the body is empty',
      fix: 'A signature of an empty body proves nothing about the event: for GET and DELETE use scheme shared-secret, basic or jwt.',
    };
  }
  if (repeatsMember(body) || firstElement(body) === undefined) {
    return {
      id: 'repeated-member',
      what: 'the first element had no member twice: the signature is right, and readers differ on which of the two counts',
      fix: 'Have the sender write each member once.',
    };
  }
  return {
    id: 'not-utf-8',
    what: 'the whole body were UTF-8: the first element is signed, and the rest could have it read in another charset',
    fix: 'Have the sender write UTF-8.',
  };
}

function remarksOn({ body, signature, secrets }: ToExplain, readable: boolean): string[] {
  const said: string[] = [];
  if (!readable) {
    said.push(
      `The signature has ${signature.length} characters and is no hex or base64 digest; Segment's has 40 hex digits.`,
    );
  }
  if (body.length === 0) said.push('The body is empty: was it read already, or --body cut off?');
  const written = styleOf(body);
  if (written !== undefined) {
    said.push(`The body looks as ${written} writes it, not as Segment's JSON.stringify does.`);
  }
  if (
    body.length > 0 &&
    readJson(body.toString('utf8')) === undefined &&
    /^\s*[[{]/.test(body.toString('latin1', 0, 64))
  ) {
    said.push('The body begins like JSON and is none: it may have been cut or changed.');
  }
  if (/^[\w.%+-]{1,200}=/.test(body.toString('latin1', 0, 256))) {
    said.push(
      'The body is a form: Segment signs the JSON that it makes a form of, and what was not text there is lost. Choose JSON at Segment, or a static header (scheme shared-secret).',
    );
  }
  if (hasSortedKeys(body)) {
    said.push(
      'All keys stand in alphabetical order, as Go, jq -S and sort_keys write them; Segment keeps the order of the event, and that is lost.',
    );
  }
  if (secrets.some((secret) => /^\$\{?\w+\}?$|^\*+$|^<.*>$/.test(secret))) {
    said.push('A secret looks like a placeholder that was never replaced.');
  }
  return said;
}

/** Whose JSON a body looks like, where that is another than JavaScript's; undefined where nothing is remarkable. */
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
