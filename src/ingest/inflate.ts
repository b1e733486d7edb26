import {
  type BrotliDecompress,
  brotliDecompressSync,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  type Gunzip,
  gunzipSync,
  inflateRawSync,
  inflateSync,
} from 'node:zlib';
import { messageOf, TrackbridgeError } from '../core/errors.js';
import { type ReadOptions, readStream } from './read-stream.js';
import { type EndTurn, LARGE } from './turns.js';

/**
 * The maximum size of a compressed body that is inflated at once, if its output is not `LARGE`: in a stream, an event
 * takes twice as long, because it visits another thread and comes back in several turns of the event loop. Inflating as
 * much as this takes up to 0.2 ms.
 */
const AT_ONCE = 16 * 1024;

interface Coding {
  create(body: Buffer): Gunzip | BrotliDecompress;
  /** Throws if the output is larger than `maxOutputLength`. */
  inflate(body: Buffer, options: { readonly maxOutputLength: number }): Buffer;
}

const GZIP: Coding = { create: () => createGunzip(), inflate: gunzipSync };

/** `deflate` means the zlib format, but clients have always sent raw deflate too. The low nibble 8 tells them apart. */
const DEFLATE: Coding = {
  create: (body) => (hasZlibHeader(body) ? createInflate() : createInflateRaw()),
  inflate: (body, options) =>
    hasZlibHeader(body) ? inflateSync(body, options) : inflateRawSync(body, options),
};

const BROTLI: Coding = { create: () => createBrotliDecompress(), inflate: brotliDecompressSync };

const CODINGS: Readonly<Record<string, Coding>> = {
  gzip: GZIP,
  'x-gzip': GZIP,
  deflate: DEFLATE,
  br: BROTLI,
};

function hasZlibHeader(body: Buffer): boolean {
  return ((body[0] ?? 0) & 0x0f) === 8;
}

/**
 * Returns the content coding of a body, or undefined if there is none. Throws CODING_UNKNOWN, also for more than one
 * coding.
 */
export function codingOf(header: string | undefined): string | undefined {
  const coding = header?.trim().toLowerCase();
  if (coding === undefined || coding === '' || coding === 'identity') return undefined;
  if (!Object.hasOwn(CODINGS, coding)) {
    throw new TrackbridgeError(
      'CODING_UNKNOWN',
      'Content-Encoding must be gzip, deflate or br; use one of them, or none',
      { headers: { 'accept-encoding': 'gzip, deflate, br' } },
    );
  }
  return coding;
}

export interface InflateOptions extends Pick<ReadOptions, 'signal' | 'account' | 'late'> {
  /**
   * Waits for a turn before decompressing further, once the output is large: a few bytes can inflate to the whole
   * limit.
   */
  readonly takeTurn: (signal: AbortSignal) => Promise<EndTurn>;
}

/**
 * Removes a content coding and calls `account` with the size of the output as it is produced. A small body is inflated
 * at once, any other off the event loop. Stops as soon as the output exceeds `limit` bytes (BODY_TOO_LARGE), so a
 * decompression bomb costs no more memory than an allowed body. Corrupt or truncated data is BODY_MALFORMED.
 */
export function inflateBody(
  body: Buffer,
  name: string,
  limit: number,
  options: InflateOptions,
): Buffer | Promise<Buffer> {
  const coding = CODINGS[name];
  if (coding === undefined) throw new TypeError(`no inflater for ${name}`);
  const inflated = body.length > AT_ONCE ? undefined : inflateAtOnce(coding, body, name, limit);
  if (inflated === undefined) return inflateStream(coding.create(body), body, name, limit, options);
  options.account(inflated.length);
  return inflated;
}

/** Returns undefined if the output is large. */
function inflateAtOnce(
  { inflate }: Coding,
  body: Buffer,
  name: string,
  limit: number,
): Buffer | undefined {
  try {
    return inflate(body, { maxOutputLength: Math.min(LARGE, limit) });
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    if (cause.code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw inflateError(cause, name);
  }
}

async function inflateStream(
  inflater: Gunzip | BrotliDecompress,
  body: Buffer,
  name: string,
  limit: number,
  { takeTurn, ...options }: InflateOptions,
): Promise<Buffer> {
  let turn: Promise<EndTurn> | undefined;
  const inflated = readStream(inflater, {
    ...options,
    limit,
    tooLarge: () =>
      new TrackbridgeError('BODY_TOO_LARGE', `the body inflates to more than ${limit} bytes`),
    failed: (error) => inflateError(error, name),
    pause: {
      beyond: LARGE,
      every: Number.POSITIVE_INFINITY,
      until: () => {
        turn = takeTurn(options.signal);
        return turn;
      },
    },
  });
  inflater.end(body);
  try {
    return await inflated;
  } finally {
    inflater.destroy();
    // The turn may start after decompression has ended. It must be ended all the same, or the deliveries behind it
    // never start.
    turn?.then(
      (end) => end(),
      () => undefined,
    );
  }
}

function inflateError(error: NodeJS.ErrnoException, coding: string): TrackbridgeError {
  // `Z_MEM_ERROR`, and brotli's `ERR_ALLOC_…`: a lack of memory here does not mean that the body is malformed.
  if (/MEM|ALLOC/.test(error.code ?? '')) {
    return new TrackbridgeError('INTERNAL', 'there is not enough memory to inflate the body', {
      cause: error,
    });
  }
  return new TrackbridgeError(
    'BODY_MALFORMED',
    `the body is not valid ${coding}: ${messageOf(error)}`,
    { cause: error },
  );
}
