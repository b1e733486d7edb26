import { decodeOnce } from './encodings.js';

/** Layers of encoding that are removed: JSON in a string in a form, and one more. */
export const LAYERS = 4;

/** The base64 and hex of shorter ones would match by chance. */
const SHORTEST_CODED = 6;

/**
 * Returns the encodings in which a secret is searched for: itself; its bytes read as Latin-1; in UTF-16, hex, and
 * base64 at any alignment in a longer text; and all of these with apparent encodings inside them decoded, because that
 * happens when a surrounding text is decoded.
 */
export function spellingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const wide = Buffer.from(secret, 'utf16le');
  const texts = [secret, bytes.toString('latin1'), wide.toString('latin1')];
  texts.push(wide.swap16().toString('latin1'));
  if (bytes.length >= SHORTEST_CODED) {
    const hex = bytes.toString('hex');
    texts.push(hex, hex.toUpperCase(), ...base64Of(bytes));
  }
  return [...new Set(texts.flatMap(decodings).flatMap(withoutOpenEnd))];
}

/** The start of an encoding at the end of a secret. It absorbs the following characters when a layer is removed. */
const OPEN_END = /(?:(?<!\\)\\+|%[0-9a-fA-F]?|&[#\w]{0,7})$/;

/** Returns the text and, if it ends in such a start, also the text without it. */
function withoutOpenEnd(text: string): string[] {
  const closed = text.replace(OPEN_END, '');
  return closed.length < SHORTEST_CODED || closed === text ? [text] : [text, closed];
}

/** Returns the text and its decodings, layer by layer; whitespace alone, which is everywhere, is left out. */
function decodings(text: string): string[] {
  const found = [text];
  let next = decodeOnce(text);
  while (next !== undefined && found.length <= LAYERS) {
    if (next.text.trim() !== '') found.push(next.text);
    next = decodeOnce(next.text);
  }
  return found;
}

/** Returns what the base64 of any longer text contains for these bytes, in all three alignments; also as base64url. */
function base64Of(bytes: Buffer): string[] {
  const cores = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // The characters at both ends also depend on their neighbors.
    return encoded.slice(
      Math.ceil((before * 8) / 6),
      Math.floor(((before + bytes.length) * 8) / 6),
    );
  });
  return cores.flatMap((core) => [core, core.replaceAll('+', '-').replaceAll('/', '_')]);
}
