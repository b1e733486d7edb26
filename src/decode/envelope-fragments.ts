/**
 * The fragments of JSON text that the transformation writes as two characters: `~`, and the character with the code 33
 * plus the fragment's index. They are common in events of RudderStack's SDKs. Their order is part of the format: add new
 * ones at the end. `transformation.js` has the same list, because it is pasted into RudderStack alone; a test compares
 * them.
 */
export const FRAGMENTS: readonly string[] = [
  '~',
  '^',
  '`',
  '|',
  '{"v":1,"event":{',
  '"context":{"',
  '","originalTimestamp":"',
  '","sentAt":"',
  '","receivedAt":"',
  '","timestamp":"',
  '"messageId":"',
  '"anonymousId":"',
  '"userId":"',
  '},"properties":{"',
  '},"traits":{"',
  '"integrations":{"All":true}',
  '"library":{"name":"',
  'RudderLabs JavaScript SDK","version":"',
  '"app":{"name":"',
  'RudderLabs JavaScript SDK","namespace":"com.rudderlabs.javascript","version":"',
  '"userAgent":"Mozilla/5.0 (',
  ') AppleWebKit/537.36 (KHTML, like Gecko) ',
  ') AppleWebKit/605.1.15 (KHTML, like Gecko) ',
  ' Safari/',
  'Chrome/',
  'Version/',
  ' Mobile/',
  'Macintosh; Intel Mac OS X 10_15_7',
  'Windows NT 10.0; Win64; x64',
  'iPhone; CPU iPhone OS ',
  'Linux; Android ',
  '"os":{"name":"',
  '"screen":{"width":',
  ',"height":',
  ',"density":',
  ',"innerWidth":',
  ',"innerHeight":',
  '"campaign":{',
  '"page":{"',
  'path":"/',
  'referrer":"',
  'referring_domain":"',
  'search":"',
  'title":"',
  'url":"https://',
  'initial_referrer":"',
  'initial_referring_domain":"',
  '"timezone":"GMT',
  '"locale":"',
  '"sessionId":',
  '"sessionStart":true',
  '"channel":"web',
  '"channel":"mobile',
  '"channel":"s',
  '"type":"track","event":"',
  '"type":"identify"',
  '"type":"',
  '"request_ip":"',
  '"rudderId":"',
  '"device":{"',
  '"manufacturer":"',
  '"model":"',
  '"network":{"',
  '"version":"',
  '"name":"',
  '"ip":"',
  'https://',
  '.com/',
  'utm_',
  '":"s","',
  '":"n","',
  '":[{"',
  '"},{"',
  '":{"',
  '"},"',
  '},"',
  ',"',
  '":',
  'true',
  'false',
  'null',
  '000Z',
  '"$direct"',
  '$direct',
];

/** The most common fragments, written as one character. */
const SHORT: Readonly<Record<string, string>> = { '^': '","', '`': '":"', '|': '\\u' };

/** The most characters of an expanded text: as many as a body may have by default. */
const MOST_CHARACTERS = 8 * 1024 * 1024;

const CODE = /~(.?)|[\^`|]/gs;
const FIRST_CODE = 33;

/** Replaces the codes of a text by their fragments. Undefined if a code is unknown or the text becomes too long. */
export function expand(text: string): string | undefined {
  const parts: string[] = [];
  let length = 0;
  let at = 0;
  for (const { 0: code, 1: character, index } of text.matchAll(CODE)) {
    const fragment =
      character === undefined
        ? SHORT[code]
        : FRAGMENTS[character === '' ? -1 : character.charCodeAt(0) - FIRST_CODE];
    if (fragment === undefined) return undefined;
    const literal = text.slice(at, index);
    length += literal.length + fragment.length;
    if (length > MOST_CHARACTERS) return undefined;
    parts.push(literal, fragment);
    at = index + code.length;
  }
  return parts.join('') + text.slice(at);
}
