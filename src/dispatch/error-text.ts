import { oneLine } from '../core/printable.js';

// Long enough for a status, an address and a reason. Short enough to keep a whole error page out of the outbox.
const LONGEST = 300;

/**
 * Makes an error's text fit to be stored with an event and shown: one line, truncated, and without the `user:password@`
 * of an address, which drivers often repeat in their messages.
 */
export function errorText(text: string): string {
  const masked = text.slice(0, LONGEST * 2).replace(/\/\/[^/\s@]{1,200}@/g, '//***@');
  return oneLine(masked.replace(/\t/g, ' '), LONGEST);
}
