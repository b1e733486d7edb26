import type { HeaderLines } from './verifier.js';

/** The decoded `user:password` bytes of every well-formed `Authorization: Basic` line; others are left out. */
export function basicCredentials(headers: HeaderLines): Buffer[] {
  return credentials(headers, 'basic').flatMap((text) => decodeBase64(text) ?? []);
}

/** The token of every `Authorization: Bearer` line. */
export function bearerTokens(headers: HeaderLines): string[] {
  return credentials(headers, 'bearer');
}

/**
 * The bytes of standard base64 with its padding, or undefined. Node's decoder skips what it does not know, so that many
 * texts decode to the same bytes; only the one that encodes back is taken.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** The bytes before the first colon, or all of them: Segment takes a write key with or without the colon. */
export function userNameOf(basic: Buffer): Buffer {
  const colon = basic.indexOf(0x3a);
  return colon < 0 ? basic : basic.subarray(0, colon);
}

function credentials(headers: HeaderLines, scheme: string): string[] {
  return headers.all('authorization').flatMap((line) => {
    const space = line.indexOf(' ');
    return space > 0 && line.slice(0, space).toLowerCase() === scheme
      ? [line.slice(space).trim()]
      : [];
  });
}
