import { hash, timingSafeEqual } from 'node:crypto';

/** Whether two byte strings are equal. The time taken depends only on their lengths. */
export function sameBytes(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * Returns a test that says whether bytes equal one of `secrets`. It compares digests and always checks every secret, so
 * its timing reveals nothing about a secret's length or text. An empty secret never matches.
 */
export function secretMatcher(secrets: readonly string[]): (candidate: Buffer) => boolean {
  const find = secretFinder(secrets);
  return (candidate) => find(candidate) !== undefined;
}

/** Like `secretMatcher`, but returns the index of the matching secret: the last one if a secret is listed twice. */
export function secretFinder(
  secrets: readonly string[],
): (candidate: Buffer) => number | undefined {
  const digests = secrets.flatMap((secret, index) =>
    spellings(secret).map((bytes) => ({ index, expected: digest(bytes) })),
  );
  return (candidate) => {
    const digested = digest(candidate);
    let found: number | undefined;
    for (const { index, expected } of digests) {
      if (timingSafeEqual(digested, expected)) found = index;
    }
    return found;
  };
}

/** Returns the bytes of a header value as they were on the wire. Node decodes header values as Latin-1. */
export function headerBytes(value: string): Buffer {
  return Buffer.from(value, 'latin1');
}

/**
 * The bytes a secret can arrive as. Go (RudderStack) encodes header text as UTF-8, Node's client as Latin-1. The two
 * differ only if the secret is not ASCII.
 */
function spellings(secret: string): Buffer[] {
  if (secret === '') return [];
  const utf8 = Buffer.from(secret, 'utf8');
  const latin1 = Buffer.from(secret, 'latin1');
  const differs = latin1.toString('latin1') === secret && !latin1.equals(utf8);
  return differs ? [utf8, latin1] : [utf8];
}

function digest(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer');
}
