const decoder = new TextDecoder();

/** A text as SQLite can keep it: the binding cuts text at NUL, so `m\0a` and `m\0b` would become the same. */
export function bindable(text: string): string | Uint8Array {
  return text.includes('\0') ? Buffer.from(text, 'utf8') : text;
}

/** What `bindable` stored. */
export function readable(stored: unknown): string {
  return stored instanceof Uint8Array ? decoder.decode(stored) : String(stored);
}

/** A text for people, of which nothing may be cut off but NUL need not survive. */
export function printable(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}
