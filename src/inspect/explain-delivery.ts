import type { VerifyConfig } from '../config/config.js';
import { type Explanation, explainSignature } from '../explain/explain.js';
import { sentencesOf } from '../explain/sentences.js';
import { headerBytes, secretFinder } from '../verify/compare.js';
import { headerLines } from '../verify/header-lines.js';
import type { HeaderLines } from '../verify/verifier.js';

/** What a thread is told of a delivery; all of it can be cloned. */
export interface DeliveryToExplain {
  readonly schemes: readonly VerifyConfig[];
  readonly rawHeaders: readonly string[];
  readonly body: Uint8Array;
  readonly verified: boolean | null;
  /** What it was refused for, in the receiver's own words. */
  readonly reason?: string;
}

export interface DeliveryExplanation {
  readonly verified: boolean | null;
  /** For people; the first says the result. */
  readonly sentences: readonly string[];
  /** Of the first scheme that signs the body, where the signature was looked into. */
  readonly explanation?: Explanation;
}

/** Why a delivery does not verify, or by what it does. May take seconds. The secrets it is given are in none of its words. */
export function explainDelivery(delivery: DeliveryToExplain): DeliveryExplanation {
  const { reason, rawHeaders, schemes, verified } = delivery;
  const headers = headerLines(rawHeaders);
  const body = Buffer.from(delivery.body);
  const sentences: string[] = [];
  let explanation: Explanation | undefined;
  for (const config of schemes) {
    switch (config.scheme) {
      case 'segment-signature':
      case 'hmac': {
        const found = explainSigned(config, headers, body);
        sentences.push(...found.sentences);
        explanation ??= found.explanation;
        break;
      }
      case 'shared-secret':
        sentences.push(...explainShared(config, headers));
        break;
      case 'none':
        sentences.push('The source takes every delivery: its scheme is none.');
        break;
      default:
        sentences.push(
          verified === true
            ? `Scheme ${config.scheme} holds.`
            : `Scheme ${config.scheme} looks at a login or token, not at the body.`,
        );
    }
  }
  if (schemes.length === 0) sentences.push('A write key decides whether this source takes it.');
  if (verified === null) sentences.unshift('The delivery was refused before it was verified.');
  else if (reason !== undefined) sentences.unshift(`It was refused: ${reason}.`);
  return {
    verified,
    sentences: [...new Set(sentences)],
    ...(explanation === undefined ? {} : { explanation }),
  };
}

type Signing = Extract<VerifyConfig, { scheme: 'segment-signature' | 'hmac' }>;

function explainSigned(
  config: Signing,
  headers: HeaderLines,
  body: Buffer,
): { readonly sentences: readonly string[]; readonly explanation?: Explanation } {
  const name = config.header.toLowerCase();
  const [signature] = headers.all(name);
  if (signature === undefined) {
    const hint = `No ${name} header came: set the secret in the vendor's destination, or the header that holds the signature in verify.header.`;
    return { sentences: [hint] };
  }
  const secrets = config.secrets.filter((secret) => secret !== '');
  if (secrets.length === 0) return { sentences: ['No secret is configured for this source.'] };
  const batch = config.scheme === 'hmac' ? 'whole-body' : config.batch;
  const id = headers.first('webhook-id');
  const timestamp = headers.first('webhook-timestamp');
  const ids = {
    ...(id === undefined ? {} : { id }),
    ...(timestamp === undefined ? {} : { timestamp }),
  };
  const bare = config.scheme === 'hmac' ? hexOf(signature, config) : signature;
  const explained = explainSignature({ secrets, signature: bare, body, batch, ids });
  const explanation = config.scheme === 'hmac' ? asConfigured(explained, config) : explained;
  if (!explanation.holds && explanation.causes.length === 0 && explanation.secret !== undefined) {
    const secret = secrets.length > 1 ? ` under secret ${explanation.secret}` : '';
    return { sentences: [`The signature holds${secret} over the whole body.`], explanation };
  }
  return { sentences: sentencesOf(explanation, secrets.length, batch), explanation };
}

/** What scheme `hmac` takes, written as the explainer expects it: without its prefix, in hex. */
function hexOf(sent: string, { encoding, prefix }: Extract<Signing, { scheme: 'hmac' }>): string {
  if (!sent.startsWith(prefix)) return sent;
  const bare = sent.slice(prefix.length);
  if (encoding === 'hex') return bare;
  const bytes = Buffer.from(bare, 'base64');
  return bytes.toString('base64') === bare ? bytes.toString('hex') : bare;
}

/** Another algorithm than Segment's is no deviation where it is the configured one. */
function asConfigured(
  explanation: Explanation,
  { algorithm }: Extract<Signing, { scheme: 'hmac' }>,
): Explanation {
  if (explanation.holds || algorithm === 'sha1') return explanation;
  const causes = explanation.causes.filter(
    ({ id, what }) => id !== 'algorithm' || !what.startsWith(`${algorithm} `),
  );
  return { ...explanation, causes };
}

function explainShared(
  { header, secrets }: Extract<VerifyConfig, { scheme: 'shared-secret' }>,
  headers: HeaderLines,
): string[] {
  const name = header.toLowerCase();
  const lines = headers.all(name);
  if (lines.length === 0) {
    return [
      `No ${name} header came: add it, with the secret, to the headers of the vendor's destination.`,
    ];
  }
  const find = secretFinder(secrets);
  const which = (index: number): string =>
    secrets.length > 1 ? ` ${index + 1} of ${secrets.length}` : '';
  for (const line of lines) {
    const index = find(headerBytes(line));
    if (index !== undefined) return [`${name} is the secret${which(index)}.`];
  }
  for (const line of lines) {
    for (const [change, text] of repairs(line)) {
      const index = find(headerBytes(text));
      if (index !== undefined)
        return [`${name} would be the secret${which(index)} ${change}: correct it at the vendor.`];
    }
  }
  return [
    `${name} holds another value than the secret${secrets.length > 1 ? 's' : ''}: compare it with the one in the vendor's destination.`,
  ];
}

/** What people add to a secret, or a form does. */
function* repairs(line: string): Generator<readonly [change: string, text: string]> {
  yield ['without the white space around it', line.trim()];
  yield ['without its quotes', line.replace(/^["']|["']$/g, '')];
  yield ['without the word before it', line.replace(/^(?:bearer|basic|token)\s+/i, '')];
  yield ['without the name of a header before it', line.replace(/^[\w-]{1,60}:\s*/, '')];
  yield ['if its base64 were undone', Buffer.from(line, 'base64').toString('latin1')];
  yield ['if its percent-encoding were undone', line.includes('%') ? unescapeOf(line) : line];
}

function unescapeOf(text: string): string {
  try {
    return Buffer.from(decodeURIComponent(text), 'utf8').toString('latin1');
  } catch {
    return text;
  }
}
