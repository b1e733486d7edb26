import type { Answers } from '../source.js';

/** One transparent pixel: the 43 bytes that both vendors return. */
const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAAAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64');

const HEADERS = { 'content-type': 'image/gif', 'cache-control': 'no-store' };

/**
 * Always answers with an image, even to an invalid query, because the pixel is part of a page or mail that someone
 * reads. The status is 200 unless the event could not be stored or the method is not one that loads images: an event
 * answered 200 is never lost.
 */
export function pixelAnswers(): Answers {
  return {
    accepted: () => ({ status: 200, headers: HEADERS, body: GIF }),
    rejected({ headers: own, status }, retryAfter) {
      if (retryAfter !== undefined) {
        return { status, headers: { ...HEADERS, 'retry-after': String(retryAfter) }, body: GIF };
      }
      if (status === 405) return { status, headers: { ...HEADERS, ...own }, body: GIF };
      return { status: status >= 500 ? 503 : 200, headers: HEADERS, body: GIF };
    },
  };
}
