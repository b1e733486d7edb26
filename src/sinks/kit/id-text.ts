import { createHash } from 'node:crypto';

/**
 * Returns an id in a form that the server can store: the id itself if it fits, else its SHA-256. The same id always
 * gives the same text, and different ids give different texts, so that no event displaces another, as it could if texts
 * were cut or replaced.
 */
export function idText(id: string, fits: (id: string) => boolean = isText): string {
  if (fits(id)) return id;
  // Hashed as UTF-16, in which unpaired surrogates stay different.
  return `sha256:${createHash('sha256').update(id, 'utf16le').digest('hex')}`;
}

/** Whether UTF-8 can hold it: unpaired surrogates would all become the same character. */
function isText(id: string): boolean {
  return !/\p{Cs}/u.test(id);
}
