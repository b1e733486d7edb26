import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { decodeBase64 } from './authorization.js';
import { MOST_CANDIDATES } from './candidates.js';
import { sameBytes } from './compare.js';
import type { Signed } from './verifier.js';

/** How a sender writes its signature. */
export interface SignatureFormat {
  /** In lower case. */
  readonly header: string;
  /** The text before the signature in the header, such as `sha256=`; may be empty. */
  readonly prefix: string;
  readonly algorithm: 'sha1' | 'sha256' | 'sha512';
  readonly encoding: 'hex' | 'base64';
}

/** The size of a digest in bytes. */
const SIZES: Readonly<Record<SignatureFormat['algorithm'], number>> = {
  sha1: 20,
  sha256: 32,
  sha512: 64,
};

/** Returns one HMAC key per secret, made of its UTF-8 bytes. An empty secret is ignored: anyone could sign with it. */
export function hmacKeys(secrets: readonly string[]): readonly KeyObject[] {
  return secrets
    .filter((secret) => secret !== '')
    .map((secret) => createSecretKey(Buffer.from(secret, 'utf8')));
}

/** Whether any of the signatures is the HMAC of these bytes under any of the keys. */
export function isSigned(
  algorithm: SignatureFormat['algorithm'],
  keys: readonly KeyObject[],
  bytes: Buffer,
  signatures: readonly Buffer[],
): boolean {
  return keys.some((key) => {
    const expected = createHmac(algorithm, key).update(bytes).digest();
    return signatures.some((signature) => sameBytes(signature, expected));
  });
}

/** Returns the well-formed signatures in the first header lines of a delivery, or the reason why there is none. */
export function readSignatures(
  { headers, body }: Signed,
  format: SignatureFormat,
): { readonly signatures: readonly Buffer[] } | { readonly reason: string } {
  const { header, prefix } = format;
  // Without a body the event is in the query. A signature covers only the body, so a signature of the empty body would
  // authenticate any query. GET and DELETE requests with a body are read from the body.
  if (body.length === 0) {
    return {
      reason: `${header} covers the body, but this delivery has no body; use shared-secret, basic or jwt instead`,
    };
  }
  const lines = headers.all(header).slice(0, MOST_CANDIDATES);
  if (lines.length === 0) return { reason: `no ${header} header` };
  const signatures: Buffer[] = [];
  let unreadable: string | undefined;
  for (const line of lines) {
    if (!line.startsWith(prefix)) continue;
    const text = line.slice(prefix.length);
    const signature = parse(text, format);
    if (signature !== undefined) signatures.push(signature);
    else unreadable ??= text;
  }
  if (signatures.length > 0) return { signatures };
  const fault =
    unreadable === undefined
      ? `does not begin with ${prefix}`
      : describeUnreadable(unreadable, format);
  return { reason: `${header} ${fault}` };
}

function parse(text: string, { algorithm, encoding }: SignatureFormat): Buffer | undefined {
  const size = SIZES[algorithm];
  if (encoding === 'hex') {
    return text.length === size * 2 && isHex(text) ? Buffer.from(text, 'hex') : undefined;
  }
  const bytes = decodeBase64(text);
  return bytes?.length === size ? bytes : undefined;
}

/** Names the likely mistake in a signature. It never quotes the text, which may be a misplaced secret. */
function describeUnreadable(text: string, { algorithm, encoding }: SignatureFormat): string {
  const wanted = `the bare ${encoding} HMAC-${algorithm.toUpperCase()} is expected`;
  const prefix = /^sha(?:1|256|512)=/i.exec(text)?.[0];
  if (prefix !== undefined) return `has a ${prefix.toLowerCase()} prefix; ${wanted}`;
  const hexName = isHex(text) ? nameOfSize(text.length / 2) : undefined;
  if (hexName !== undefined) return `looks like a hex HMAC-${hexName}; ${wanted}`;
  const base64Name = nameOfSize(decodeBase64(text)?.length);
  if (base64Name !== undefined) return `looks like a base64 HMAC-${base64Name}; ${wanted}`;
  return `is not ${encoding} of the expected length; ${wanted}`;
}

function nameOfSize(size: number | undefined): string | undefined {
  return Object.entries(SIZES)
    .find(([, bytes]) => bytes === size)?.[0]
    .toUpperCase();
}

function isHex(text: string): boolean {
  return /^[0-9a-f]+$/i.test(text);
}
