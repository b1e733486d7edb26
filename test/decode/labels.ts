import { ContentTypes } from '../../src/decode/content-types.js';

/** The labels of a request with these `Content-Type` lines; undefined is no line. */
export function labelled(...lines: readonly (string | undefined)[]): ContentTypes {
  return new ContentTypes(lines.filter((line) => line !== undefined));
}
