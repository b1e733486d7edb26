import { decodeOnce } from './encodings.js';

/** Layers of encoding that are taken off: JSON in a string in a form, and one to spare. */
export const LAYERS = 4;

/** Of shorter ones the base64 and hex would be found by chance. */
const SHORTEST_CODED = 6;

/**
 * The texts that a secret is looked for as: itself, its bytes as they are read as Latin-1, in UTF-16, in hex, in base64
 * wherever in a longer text it stood when that was encoded; and all of these with what looks like an encoding in them taken
 * for one, since that is what becomes of it when a text around it is decoded.
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

/** What begins an encoding at the end of a secret, and takes what comes after it along when a layer is taken off. */
const OPEN_END = /(?:(?<!\\)\\+|%[0-9a-fA-F]?|&[#\w]{0,7})$/;

/** The text, and where it ends like that, also without its end. */
function withoutOpenEnd(text: string): string[] {
  const closed = text.replace(OPEN_END, '');
  return closed.length < SHORTEST_CODED || closed === text ? [text] : [text, closed];
}

/** The text, and what it becomes layer by layer; of white space alone, which is everywhere, nothing more. */
function decodings(text: string): string[] {
  const found = [text];
  let next = decodeOnce(text);
  while (next !== undefined && found.length <= LAYERS) {
    if (next.text.trim() !== '') found.push(next.text);
    next = decodeOnce(next.text);
  }
  return found;
}

/** What every base64 of a longer text holds of these bytes, for the three ways they may be aligned; also base64url. */
function base64Of(bytes: Buffer): string[] {
  const cores = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // The characters at both ends also depend on what stands there.
    return encoded.slice(
      Math.ceil((before * 8) / 6),
      Math.floor(((before + bytes.length) * 8) / 6),
    );
  });
  return cores.flatMap((core) => [core, core.replaceAll('+', '-').replaceAll('/', '_')]);
}
