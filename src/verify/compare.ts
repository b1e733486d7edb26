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
  const digests = secrets.flatMap(spellings).map(digest);
  return (candidate) => {
    const found = digest(candidate);
    let matches = false;
    for (const expected of digests) {
      if (timingSafeEqual(found, expected)) matches = true;
    }
    return matches;
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
