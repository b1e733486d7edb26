import { expect, it } from 'vitest';
import { spellingsOf } from './spellings.js';

it.each([
  ['as it is', (text: string) => `x=${text};`],
  ['in hex', (text: string) => Buffer.from(text).toString('hex')],
  ['URL-encoded', (text: string) => `?a=${encodeURIComponent(text)}`],
  ['in base64', (text: string) => Buffer.from(text).toString('base64')],
  ['in base64 behind a user', (text: string) => Buffer.from(`u:${text}`).toString('base64')],
  ['in base64 in between', (text: string) => Buffer.from(`a${text}bc`).toString('base64')],
  ['in base64url', (text: string) => Buffer.from(`a${text}?>`).toString('base64url')],
])('a secret is found %s', (_how, written) => {
  for (const text of ['a-canary~with/odd+chars', 'canary-of-the-token-0123456789']) {
    expect(spellingsOf(text).some((each) => written(text).includes(each))).toBe(true);
    expect(
      spellingsOf(text).some((each) => written('something-else-altogether').includes(each)),
    ).toBe(false);
  }
});
