import type { VerifyConfig } from '../../config/config.js';
import { headerBytes, secretFinder } from '../../verify/compare.js';
import { headerLines } from '../../verify/header-lines.js';
import type { HeaderLines } from '../../verify/verifier.js';
import { type Explanation, explainSignature } from '../explain/explain.js';
import { sentencesOf } from '../explain/sentences.js';

/** The input of the thread that explains a delivery; all of it can be cloned. */
export interface DeliveryToExplain {
  readonly schemes: readonly VerifyConfig[];
  readonly rawHeaders: readonly string[];
  readonly body: Uint8Array;
  readonly verified: boolean | null;
  /** The reason of its rejection, in the receiver's own words. */
  readonly reason?: string;
}

export interface DeliveryExplanation {
  readonly verified: boolean | null;
  /** For people; the first states the result. */
  readonly sentences: readonly string[];
  /** For the first scheme that signs the body, if the signature was examined. */
  readonly explanation?: Explanation;
}

/**
 * Explains why a delivery is not authenticated, or what authenticates it. May take seconds. Its result never contains
 * the secrets.
 */
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
        sentences.push('The source accepts every delivery: its scheme is none.');
        break;
      default:
        sentences.push(
          verified === true
            ? `Scheme ${config.scheme} passes.`
            : `Scheme ${config.scheme} checks a login or token, not the body.`,
        );
    }
  }
  if (schemes.length === 0) sentences.push('This source authenticates by write key.');
  if (verified === null) sentences.unshift('The delivery was rejected before verification.');
  else if (reason !== undefined) sentences.unshift(`The delivery was rejected: ${reason}.`);
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
    const hint = `The delivery has no ${name} header. Set the secret in the vendor's destination, or the name of the header in verify.header.`;
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
  if (!explanation.valid && explanation.causes.length === 0 && explanation.secret !== undefined) {
    const secret = secrets.length > 1 ? ` under secret ${explanation.secret}` : '';
    return {
      sentences: [`The signature is valid${secret}. It covers the whole body.`],
      explanation,
    };
  }
  return { sentences: sentencesOf(explanation, secrets.length, batch), explanation };
}

/** Converts a signature of scheme `hmac` to what the explainer expects: hex, without its prefix. */
function hexOf(sent: string, { encoding, prefix }: Extract<Signing, { scheme: 'hmac' }>): string {
  if (!sent.startsWith(prefix)) return sent;
  const bare = sent.slice(prefix.length);
  if (encoding === 'hex') return bare;
  const bytes = Buffer.from(bare, 'base64');
  return bytes.toString('base64') === bare ? bytes.toString('hex') : bare;
}

/** An algorithm other than Segment's is no deviation if it is the configured one. */
function asConfigured(
  explanation: Explanation,
  { algorithm }: Extract<Signing, { scheme: 'hmac' }>,
): Explanation {
  if (explanation.valid || algorithm === 'sha1') return explanation;
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
      `The delivery has no ${name} header. Add it, with the secret, to the headers of the vendor's destination.`,
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
    `${name} differs from the secret${secrets.length > 1 ? 's' : ''}: compare it with the one in the vendor's destination.`,
  ];
}

/** Yields corrections of characters that people or forms add to a secret. */
function* repairs(line: string): Generator<readonly [change: string, text: string]> {
  yield ['without the whitespace around it', line.trim()];
  yield ['without its quotes', line.replace(/^["']|["']$/g, '')];
  yield ['without the word before it', line.replace(/^(?:bearer|basic|token)\s+/i, '')];
  yield ['without the name of a header before it', line.replace(/^[\w-]{1,60}:\s*/, '')];
  yield ['if decoded from base64', Buffer.from(line, 'base64').toString('latin1')];
  yield ['if percent-decoded', line.includes('%') ? unescapeOf(line) : line];
}

function unescapeOf(text: string): string {
  try {
    return Buffer.from(decodeURIComponent(text), 'utf8').toString('latin1');
  } catch {
    return text;
  }
}
