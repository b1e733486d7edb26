const PREDEFINED: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['apos', "'"],
  ['quot', '"'],
]);

/** Matches the text between `&` and `;`: the number of a character, or the name of an entity. */
const REFERENCE = /(?:#x([0-9a-fA-F]{1,8})|#([0-9]{1,10})|([A-Za-z_:][\w:.-]{0,99}));/y;

/** Why a text is not well-formed, and where. */
export interface TextFault {
  readonly at: number;
  /** A reference to a character that XML does not allow, or an `&` that begins no reference. */
  readonly kind: 'reference' | 'character';
}

/**
 * Replaces the references in a text of XML: the five predefined ones and those to characters. Others refer to entities
 * of a document type and stay as they are.
 */
export function replaceReferences(text: string): string | TextFault {
  let at = text.indexOf('&');
  if (at === -1) return text;
  const pieces: string[] = [];
  let copied = 0;
  for (; at !== -1; at = text.indexOf('&', at + 1)) {
    REFERENCE.lastIndex = at + 1;
    const match = REFERENCE.exec(text);
    if (match === null) return { at, kind: 'character' };
    const [whole, hex, decimal, name] = match;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    if (name === undefined && !isXmlCharacter(code)) return { at, kind: 'reference' };
    const character = name === undefined ? String.fromCodePoint(code) : PREDEFINED.get(name);
    if (character !== undefined) {
      pieces.push(text.slice(copied, at), character);
      copied = at + 1 + whole.length;
    }
  }
  pieces.push(text.slice(copied));
  return pieces.join('');
}

// XML 1.0, production 2.
function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return (
    code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff)
  );
}
