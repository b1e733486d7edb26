/**
 * The forms in which a text can leave a program: as it is, in hex, URL-encoded, and in base64 wherever in a longer text it
 * stood when that was encoded (such as the password in `user:password`).
 */
export function spellingsOf(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // The characters at both ends also depend on what stands there.
    return encoded.slice(before === 0 ? 0 : before + 1, bytes.length + before - 3).slice(0, -2);
  });
  return [
    ...new Set([
      text,
      bytes.toString('hex'),
      bytes.toString('hex').toUpperCase(),
      encodeURIComponent(text),
      ...base64,
      ...base64.map((each) => each.replaceAll('+', '-').replaceAll('/', '_')),
    ]),
  ];
}
