import { isAscii } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { TrackbridgeError } from '../errors.js';

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The text of a body: strict UTF-8, a byte order mark dropped.
 *
 * Bytes that are not UTF-8 are tried in the charset that `contentType` names, if it names another one that the platform
 * knows. The bytes come first because labels lie: RudderStack can send two content types for one body, and RFC 8259 gives
 * JSON no charset but UTF-8.
 * Throws BODY_MALFORMED with the byte offset (from 0) at which the text stops being UTF-8.
 */
export function decodeText(body: Buffer, contentType?: string): string {
  // Most events are plain ASCII, and checking for that and copying takes a quarter of the time of decoding UTF-8.
  if (isAscii(body)) return body.toString('latin1');
  return tryDecode(body, UTF8) ?? decodeAsLabelled(body, contentType);
}

function decodeAsLabelled(body: Buffer, contentType: string | undefined): string {
  const charset = charsetOf(contentType);
  const decoder = charset === undefined ? undefined : decoderOf(charset);
  const text = decoder && decoder.encoding !== 'utf-8' ? tryDecode(body, decoder) : undefined;
  if (text !== undefined) return text;
  const detail = `the body is not UTF-8 from byte ${firstInvalidByte(body)} on; send UTF-8, or name its charset in Content-Type`;
  throw new TrackbridgeError('BODY_MALFORMED', detail);
}

function charsetOf(contentType = ''): string | undefined {
  return /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1];
}

function decoderOf(charset: string): TextDecoder | undefined {
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch {
    // A RangeError: a charset that this platform does not know, and so no help.
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

// Lenient decoding puts U+FFFD where bytes are wrong; the first one that the bytes do not spell out is the fault.
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
