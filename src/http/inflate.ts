import {
  type BrotliDecompress,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  type Gunzip,
} from 'node:zlib';
import { messageOf, TrackbridgeError } from '../errors.js';
import { type CollectOptions, collect } from './collect.js';

type Inflater = (body: Buffer) => Gunzip | BrotliDecompress;

/** `deflate` means zlib's format, but clients have always sent the bare one too; the low nibble 8 tells them apart. */
const deflated: Inflater = (body) =>
  ((body[0] ?? 0) & 0x0f) === 8 ? createInflate() : createInflateRaw();

const INFLATERS: Readonly<Record<string, Inflater>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  deflate: deflated,
  br: () => createBrotliDecompress(),
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
 * Undoes a content coding, off the event loop, and tells `account` of what comes out as it comes out. A result beyond
 * `limit` bytes stops where it passes it (BODY_TOO_LARGE), so a bomb costs no more memory than a body that is allowed;
 * broken or cut-off data is BODY_MALFORMED.
 */
export async function inflateBody(
  body: Buffer,
  coding: string,
  limit: number,
  options: Pick<CollectOptions, 'signal' | 'account' | 'late'>,
): Promise<Buffer> {
  const create = INFLATERS[coding];
  if (create === undefined) throw new TypeError(`no inflater for ${coding}`);
  const inflater = create(body);
  const inflated = collect(inflater, {
    ...options,
    limit,
    tooLarge: () =>
      new TrackbridgeError('BODY_TOO_LARGE', `the body inflates to more than ${limit} bytes`),
    failed: (error) => inflateError(error, coding),
  });
  inflater.end(body);
  try {
    return await inflated;
  } finally {
    inflater.destroy();
  }
}

function inflateError(error: NodeJS.ErrnoException, coding: string): TrackbridgeError {
  // `Z_MEM_ERROR`, and brotli's `ERR_ALLOC_…`: no memory here says nothing about the body.
  if (/MEM|ALLOC/.test(error.code ?? '')) {
    return new TrackbridgeError('INTERNAL', 'there is no memory to inflate the body in', {
      cause: error,
    });
  }
  return new TrackbridgeError(
    'BODY_MALFORMED',
    `the body is not valid ${coding}: ${messageOf(error)}`,
    { cause: error },
  );
}
