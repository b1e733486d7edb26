const decoder = new TextDecoder();

/**
 * Returns a text in a form that SQLite can store: the binding cuts text at NUL, so `m\0a` and `m\0b` would become
 * equal.
 */
export function bindable(text: string): string | Uint8Array {
  return text.includes('\0') ? Buffer.from(text, 'utf8') : text;
}

/** Reverses `bindable`. */
export function readable(stored: unknown): string {
  return stored instanceof Uint8Array ? decoder.decode(stored) : String(stored);
}

/** Returns a text for people. Nothing of it may be cut off, but NUL need not survive. */
export function printable(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}
