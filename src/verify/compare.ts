import { hash, timingSafeEqual } from 'node:crypto';

/** Whether two byte strings are equal, in a time that depends on their lengths alone. */
export function sameBytes(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * A test for whether bytes are one of `secrets`. It compares digests, so that the time it takes tells nothing about a
 * secret's length or text, and looks at every secret always. An empty secret never matches.
 */
export function secretMatcher(secrets: readonly string[]): (candidate: Buffer) => boolean {
  const find = secretFinder(secrets);
  return (candidate) => find(candidate) !== undefined;
}

/** Like `secretMatcher`, and says which of `secrets` it is: the last one, where one is listed twice. */
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

/** Header text as the bytes that were on the wire: Node decodes header values as Latin-1. */
export function headerBytes(value: string): Buffer {
  return Buffer.from(value, 'latin1');
}

/**
 * The bytes a secret can arrive as. Go (RudderStack) writes header text as UTF-8, Node's own client as Latin-1; they
 * differ only where a secret is not ASCII.
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
