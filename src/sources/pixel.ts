import type { Dialect } from './source.js';

/** One transparent point: the 43 bytes that both vendors answer. */
const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAAAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64');

const HEADERS = { 'content-type': 'image/gif', 'cache-control': 'no-store' };

/**
 * A pixel is always an image, whatever was wrong with its query: it stands in a page or mail that someone reads. Its
 * status is 200 but where the event could not be kept, or does not come as images are loaded: what is answered 200 is not
 * lost.
 */
export function pixelDialect(): Dialect {
  return {
    taken: () => ({ status: 200, headers: HEADERS, body: GIF }),
    refused({ headers: own, status }, retryAfter) {
      if (retryAfter !== undefined) {
        return { status, headers: { ...HEADERS, 'retry-after': String(retryAfter) }, body: GIF };
      }
      if (status === 405) return { status, headers: { ...HEADERS, ...own }, body: GIF };
      return { status: status >= 500 ? 503 : 200, headers: HEADERS, body: GIF };
    },
  };
}
