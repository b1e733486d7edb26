import { isAscii } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { TrackbridgeError } from '../core/errors.js';
import { ContentTypes } from './content-types.js';

const UNLABELLED = new ContentTypes([]);
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Decodes a body as strict UTF-8 and drops a byte order mark.
 *
 * A body that is not UTF-8 is decoded in the charsets named by `labels`, then by `declared`, if the platform supports
 * them. UTF-8 is tried first because labels can be wrong: RudderStack can send two content types for one body, and RFC
 * 8259 allows JSON no other charset. Throws BODY_MALFORMED with the byte offset (from 0) of the first invalid byte.
 */
export function decodeText(body: Buffer, labels = UNLABELLED, declared?: string): string {
  // Most events are plain ASCII. Checking for ASCII and copying takes a quarter of the time of decoding UTF-8.
  if (isAscii(body)) return body.toString('latin1');
  return tryDecode(body, UTF8) ?? decodeAsLabelled(body, [...labels.charsets(), declared ?? '']);
}

function decodeAsLabelled(body: Buffer, charsets: readonly string[]): string {
  for (const charset of charsets) {
    const decoder = decoderOf(charset);
    const text = decoder && decoder.encoding !== 'utf-8' ? tryDecode(body, decoder) : undefined;
    if (text !== undefined) return text;
  }
  const detail = `the body is not UTF-8 from byte ${firstInvalidByte(body)} on; send UTF-8, or name its charset in Content-Type`;
  throw new TrackbridgeError('BODY_MALFORMED', detail);
}

function decoderOf(charset: string): TextDecoder | undefined {
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch {
    // A RangeError means that the platform does not support the charset.
    return undefined;
  }
}

function tryDecode(body: Buffer, decoder: TextDecoder): string | undefined {
  try {
    return decoder.decode(body);
  } catch {
    return undefined;
  }
}

// Lenient decoding replaces invalid bytes with U+FFFD. The first U+FFFD that the bytes do not encode is the fault.
function firstInvalidByte(body: Buffer): number {
  const text = body.toString('utf8');
  let byte = 0;
  for (let from = 0; ; ) {
    const replacement = text.indexOf('\ufffd', from);
    if (replacement === -1) return body.length;
    byte += Buffer.byteLength(text.slice(from, replacement));
    if (body[byte] !== 0xef || body[byte + 1] !== 0xbf || body[byte + 2] !== 0xbd) return byte;
    byte += 3;
    from = replacement + 1;
  }
}
