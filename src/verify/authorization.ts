import { MOST_CANDIDATES } from './candidates.js';
import type { HeaderLines } from './verifier.js';

/**
 * Returns the decoded `user:password` bytes of the first well-formed `Authorization: Basic` lines and ignores other
 * lines.
 */
export function basicCredentials(headers: HeaderLines): Buffer[] {
  return credentials(headers, 'basic').flatMap((text) => decodeBase64(text) ?? []);
}

/** Returns the tokens of the first `Authorization: Bearer` lines. */
export function bearerTokens(headers: HeaderLines): string[] {
  return credentials(headers, 'bearer');
}

/**
 * Decodes standard base64 with padding, or returns undefined. Node's decoder skips unknown characters, so many texts
 * decode to the same bytes; only the canonical text is accepted.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** Returns the bytes before the first colon, or all of them: Segment accepts a write key with or without the colon. */
export function userNameOf(basic: Buffer): Buffer {
  const colon = basic.indexOf(0x3a);
  return colon < 0 ? basic : basic.subarray(0, colon);
}

function credentials(headers: HeaderLines, scheme: string): string[] {
  const texts = headers.all('authorization').flatMap((line) => {
    const space = line.indexOf(' ');
    return space > 0 && line.slice(0, space).toLowerCase() === scheme
      ? [line.slice(space).trim()]
      : [];
  });
  return texts.slice(0, MOST_CANDIDATES);
}
