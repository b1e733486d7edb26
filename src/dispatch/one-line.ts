// Long enough for a status, an address and a reason; short enough that an answer page does not end up in the outbox.
const LONGEST = 300;

/**
 * Makes an error text fit to be kept with an event and shown: one line, cut, and without the `user:password@` of an
 * address, which drivers like to repeat in their messages.
 */
export function oneLine(text: string): string {
  const flat = text
    .slice(0, LONGEST * 2)
    .replace(/\/\/[^/\s@]{1,200}@/g, '//***@')
    .replace(/\s+/g, ' ')
    .trim();
  return flat.length > LONGEST ? `${flat.slice(0, LONGEST - 1)}…` : flat;
}
