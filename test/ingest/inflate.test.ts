import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { codingOf, inflateBody as inflateWithin } from '../../src/ingest/inflate.js';
import { idle } from '../dispatch/fake-clock.js';
import { errorOf } from '../http/requests.js';

const LIMIT = 100_000;
const TEXT = Buffer.from('{"type":"track","event":"Order Completed"}'.repeat(20));

const inflateBody = async (body: Buffer, coding: string, limit: number): Promise<Buffer> =>
  inflateWithin(body, coding, limit, {
    signal: new AbortController().signal,
    account: () => undefined,
    late: () => new Error('late'),
    takeTurn: async () => () => undefined,
  });

const CODERS = [
  ['gzip', 'gzip', gzipSync],
  ['x-gzip', 'gzip', gzipSync],
  ['deflate', 'zlib', deflateSync],
  ['deflate', 'raw', deflateRawSync],
  ['br', 'brotli', brotliCompressSync],
] as const;

describe('the coding of a body', () => {
  it.each([undefined, '', ' ', 'identity', ' Identity '])('is none for `%s`', (header) => {
    expect(codingOf(header)).toBeUndefined();
  });

  it.each(['gzip', 'x-gzip', 'deflate', 'br'])('may be %s, in any case', (coding) => {
    expect(codingOf(` ${coding.toUpperCase()} `)).toBe(coding);
  });

  it.each(['zstd', 'gzip, gzip', 'gzip,identity', 'compress', '__proto__', 'toString'])(
    'is not known as `%s`, which is a 415 that names the known ones',
    async (header) => {
      expect(await errorOf(() => codingOf(header))).toMatchObject({
        code: 'CODING_UNKNOWN',
        status: 415,
        headers: { 'accept-encoding': 'gzip, deflate, br' },
      });
    },
  );
});

describe.each(CODERS)('a body in %s (%s)', (coding, _form, compress) => {
  it('comes back byte by byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
        const body = Buffer.from(bytes);
        expect((await inflateBody(compress(body), coding, LIMIT)).equals(body)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('may be as long as the limit and no longer', async () => {
    expect(await inflateBody(compress(Buffer.alloc(LIMIT)), coding, LIMIT)).toHaveLength(LIMIT);
    const error = await errorOf(() =>
      inflateBody(compress(Buffer.alloc(LIMIT + 1)), coding, LIMIT),
    );
    expect(error).toMatchObject({ code: 'BODY_TOO_LARGE', status: 413 });
  });

  it('that is cut off anywhere is refused', async () => {
    const whole = compress(TEXT);
    for (let length = 0; length < whole.length; length++) {
      const cut = whole.subarray(0, length);
      expect(await errorOf(() => inflateBody(cut, coding, LIMIT)), `${length}`).toMatchObject({
        code: 'BODY_MALFORMED',
        status: 400,
      });
    }
  });

  it('that is something else is refused, without its text', async () => {
    const error = await errorOf(() => inflateBody(Buffer.from('secret'), coding, LIMIT));
    expect(error).toMatchObject({ code: 'BODY_MALFORMED' });
    expect((error as Error).message).not.toContain('secret');
  });
});

describe('a bomb', () => {
  it('stops where it passes the limit, long before it is whole', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const before = process.memoryUsage().arrayBuffers;
    expect(await errorOf(() => inflateBody(bomb, 'gzip', LIMIT))).toMatchObject({
      code: 'BODY_TOO_LARGE',
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });
});

describe('what inflates to over 64 kB', () => {
  const KB = 1024;
  const inflateInTurn = (
    body: Buffer,
    takeTurn: () => Promise<() => void>,
    signal = new AbortController().signal,
  ) => {
    let held = 0;
    const inflated = inflateWithin(body, 'gzip', KB * KB, {
      signal,
      account: (bytes) => {
        held += bytes;
      },
      late: () => new Error('late'),
      takeTurn,
    });
    return { inflated, held: () => held };
  };

  it('waits for its turn, holding little, and ends it', async () => {
    const end = vi.fn();
    const turn = withResolvers<() => void>();
    const asked = withResolvers<void>();
    const { inflated, held } = inflateInTurn(gzipSync(Buffer.alloc(500 * KB)), () => {
      asked.resolve();
      return turn.promise;
    });
    await asked.promise;
    await idle();
    expect(held()).toBeLessThan(100 * KB);
    expect(end).not.toHaveBeenCalled();
    turn.resolve(end);
    expect(await inflated).toHaveLength(500 * KB);
    await idle();
    expect(end).toHaveBeenCalledTimes(1);
  });

  it('ends its turn also where that comes after its time, or what follows is broken', async () => {
    const over = new AbortController();
    const end = vi.fn();
    const turn = withResolvers<() => void>();
    const { inflated } = inflateInTurn(
      gzipSync(Buffer.alloc(500 * KB)),
      () => {
        queueMicrotask(() => over.abort());
        return turn.promise;
      },
      over.signal,
    );
    expect(await errorOf(() => inflated)).toMatchObject({ message: 'late' });
    turn.resolve(end);
    await idle();
    expect(end).toHaveBeenCalledTimes(1);
    const broken = gzipSync(Buffer.alloc(500 * KB));
    broken.writeUInt32LE(1, broken.length - 8);
    const cut = inflateInTurn(broken, async () => end);
    expect(await errorOf(() => cut.inflated)).toMatchObject({ code: 'BODY_MALFORMED' });
    await idle();
    expect(end).toHaveBeenCalledTimes(2);
  });

  it('needs no turn below that', async () => {
    const takeTurn = vi.fn();
    const { inflated } = inflateInTurn(gzipSync(Buffer.alloc(64 * KB)), takeTurn);
    expect(await inflated).toHaveLength(64 * KB);
    expect(takeTurn).not.toHaveBeenCalled();
  });
});

describe('what inflates to less', () => {
  const inflate = (body: Buffer, account: (bytes: number) => void) =>
    inflateWithin(body, 'gzip', LIMIT, {
      signal: new AbortController().signal,
      account,
      late: () => new Error('late'),
      takeTurn: async () => () => undefined,
    });

  it('is there at once and accounted for', () => {
    const account = vi.fn();
    expect(inflate(gzipSync(TEXT), account)).toEqual(TEXT);
    expect(account.mock.calls).toEqual([[TEXT.length]]);
  });

  it('is not kept where there is no room for it', async () => {
    const full = new Error('full');
    const error = await errorOf(() =>
      inflate(gzipSync(TEXT), () => {
        throw full;
      }),
    );
    expect(error).toBe(full);
  });
});

describe('gzip', () => {
  it('of several members is all of them, as gzip says', async () => {
    const [head, tail] = [TEXT.subarray(0, 100), TEXT.subarray(100)];
    const members = Buffer.concat([gzipSync(head), gzipSync(tail)]);
    expect((await inflateBody(members, 'gzip', LIMIT)).equals(TEXT)).toBe(true);
  });

  it('with zeros after it is padded, as tar archives are', async () => {
    const padded = Buffer.concat([gzipSync(TEXT), Buffer.alloc(16)]);
    expect((await inflateBody(padded, 'gzip', LIMIT)).equals(TEXT)).toBe(true);
  });

  it('with a broken checksum is refused', async () => {
    const broken = gzipSync(TEXT);
    broken.writeUInt32LE(0, broken.length - 8);
    expect(await errorOf(() => inflateBody(broken, 'gzip', LIMIT))).toMatchObject({
      code: 'BODY_MALFORMED',
    });
  });
});

describe('deflate', () => {
  it('is told apart from its bare form at every level', async () => {
    for (let level = constants.Z_NO_COMPRESSION; level <= constants.Z_BEST_COMPRESSION; level++) {
      for (const text of [TEXT, Buffer.from('{}'), Buffer.alloc(0)]) {
        for (const compress of [deflateSync, deflateRawSync]) {
          const inflated = await inflateBody(compress(text, { level }), 'deflate', LIMIT);
          expect(inflated.equals(text), `level ${level} of ${text.length}`).toBe(true);
        }
      }
    }
  });
});

/** A promise and what settles it. Node 20 lacks `Promise.withResolvers`. */
function withResolvers<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve = (_value: T): void => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
