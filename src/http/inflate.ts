import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw, type ZlibOptions } from 'node:zlib';
import { messageOf, TrackbridgeError } from '../errors.js';

type Inflater = (body: Buffer, options: ZlibOptions) => Promise<Buffer>;

const viaZlib = promisify<Buffer, ZlibOptions, Buffer>(inflate);
const viaRaw = promisify<Buffer, ZlibOptions, Buffer>(inflateRaw);

/** `deflate` means zlib's format, but clients have always sent the bare one too; the low nibble 8 tells them apart. */
const deflated: Inflater = (body, options) =>
  ((body[0] ?? 0) & 0x0f) === 8 ? viaZlib(body, options) : viaRaw(body, options);

const INFLATERS: Readonly<Record<string, Inflater>> = {
  gzip: promisify<Buffer, ZlibOptions, Buffer>(gunzip),
  'x-gzip': promisify<Buffer, ZlibOptions, Buffer>(gunzip),
  deflate: deflated,
  br: promisify<Buffer, ZlibOptions, Buffer>(brotliDecompress),
};

/** The coding of a body, or undefined where there is none. Throws CODING_UNKNOWN, also for more than one coding. */
export function codingOf(header: string | undefined): string | undefined {
  const coding = header?.trim().toLowerCase();
  if (coding === undefined || coding === '' || coding === 'identity') return undefined;
  if (!Object.hasOwn(INFLATERS, coding)) {
    throw new TrackbridgeError(
      'CODING_UNKNOWN',
      'Content-Encoding is none of gzip, deflate, br; send the body with one of these or without',
      { headers: { 'accept-encoding': 'gzip, deflate, br' } },
    );
  }
  return coding;
}

/**
 * Undoes a content coding, off the event loop. A result beyond `limit` bytes stops where it passes it (BODY_TOO_LARGE),
 * so a bomb costs no more memory than a body that is allowed; broken or cut-off data is BODY_MALFORMED.
 */
export async function inflateBody(body: Buffer, coding: string, limit: number): Promise<Buffer> {
  const run = INFLATERS[coding];
  if (run === undefined) throw new TypeError(`no inflater for ${coding}`);
  try {
    return await run(body, { maxOutputLength: limit });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      throw new TrackbridgeError('BODY_TOO_LARGE', `the body inflates to more than ${limit} bytes`);
    }
    // `Z_MEM_ERROR`, and brotli's `ERR_ALLOC_…`: no memory here says nothing about the body.
    if (/MEM|ALLOC/.test(code)) {
      throw new TrackbridgeError('INTERNAL', 'there is no memory to inflate the body in', {
        cause: error,
      });
    }
    throw new TrackbridgeError(
      'BODY_MALFORMED',
      `the body is not valid ${coding}: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
