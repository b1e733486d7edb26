import { gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { type BodyOptions, readBody } from '../../src/ingest/body.js';
import { Turns } from '../../src/ingest/turns.js';
import { errorOf, type RequestParts, requestOf } from '../http/requests.js';

const LIMIT = 1000;
const NEVER = new AbortController().signal;

const turns = new Turns();
const options = (changes: Partial<BodyOptions> = {}): BodyOptions => ({
  limit: LIMIT,
  signal: NEVER,
  late: () => 'BODY_TIMEOUT',
  account: () => undefined,
  takeTurn: (signal) => turns.take(signal),
  nextRead: async () => undefined,
  ...changes,
});

function read(parts: RequestParts, signal = NEVER) {
  return readBody(requestOf(parts), options({ signal }));
}

describe('the body of a request', () => {
  it('is empty at once where no header frames one', async () => {
    for (const headers of [{}, { 'content-length': '0' }]) {
      expect(read({ headers })).toEqual(Buffer.alloc(0));
    }
  });

  it('is exactly the bytes that came: no byte order mark is lost, no bad byte replaced', async () => {
    const body = Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0xff, 0x00, 0x7d]);
    expect((await read({ body })).equals(body)).toBe(true);
  });

  it('may come in chunks of unknown number', async () => {
    const request = requestOf({ headers: { 'transfer-encoding': 'chunked' } });
    const body = readBody(request, options());
    request.push('{"a"');
    request.push(':1}');
    request.push(null);
    expect((await body).toString()).toBe('{"a":1}');
  });

  it('may be coded', async () => {
    const headers = { 'content-encoding': 'gzip' };
    expect((await read({ headers, body: gzipSync('{}') })).toString()).toBe('{}');
  });
});

describe('a body that is too large', () => {
  it('is refused before a byte of it is read, where it says so', async () => {
    const headers = { 'content-length': String(LIMIT + 1) };
    expect(await errorOf(() => read({ headers }))).toMatchObject({
      code: 'BODY_TOO_LARGE',
      status: 413,
    });
  });

  it('is refused where it passes the limit, where it does not say so', async () => {
    const request = requestOf({ headers: { 'transfer-encoding': 'chunked' } });
    const body = errorOf(() => readBody(request, options()));
    for (let sent = 0; sent <= LIMIT; sent += 100) request.push(Buffer.alloc(100));
    expect(await body).toMatchObject({ code: 'BODY_TOO_LARGE' });
  });

  it('may be as large as the limit', async () => {
    expect(await read({ body: Buffer.alloc(LIMIT) })).toHaveLength(LIMIT);
  });

  it('is refused after inflating too', async () => {
    const headers = { 'content-encoding': 'gzip' };
    const body = gzipSync(Buffer.alloc(LIMIT + 1));
    expect(body.length).toBeLessThan(LIMIT);
    expect(await errorOf(() => read({ headers, body }))).toMatchObject({ code: 'BODY_TOO_LARGE' });
  });
});

describe('a body that does not arrive', () => {
  it.each(['BODY_TIMEOUT', 'BUDGET_SPENT'] as const)(
    'in time is %s, with a time to come again',
    async (code) => {
      const request = requestOf({ headers: { 'content-length': '100' } });
      const budget = new AbortController();
      const body = errorOf(() =>
        readBody(request, options({ signal: budget.signal, late: () => code })),
      );
      request.push('{');
      budget.abort();
      expect(await body).toMatchObject({ code, retryAfter: 1000 });
    },
  );

  it('in time is given up also where the budget is spent before it is asked for', async () => {
    const headers = { 'content-length': '100' };
    const error = await errorOf(() => read({ headers }, AbortSignal.abort()));
    expect(error).toMatchObject({ code: 'BODY_TIMEOUT' });
  });

  it('whole is the sender’s fault, whether it hangs up or promises too much', async () => {
    const aborted = requestOf({ headers: { 'content-length': '100' } });
    const body = errorOf(() => readBody(aborted, options()));
    aborted.push('{');
    aborted.destroy();
    expect(await body).toMatchObject({ code: 'BODY_ABORTED', status: 400 });

    const short = requestOf({ headers: { 'content-length': '100' } });
    short.push('{}');
    short.push(null);
    expect(await errorOf(() => readBody(short, options()))).toMatchObject({
      code: 'BODY_MALFORMED',
    });
  });

  it('because of a fault on this side is not the sender’s', async () => {
    const decoding = requestOf({ headers: { 'content-length': '2' } });
    decoding.setEncoding('utf8');
    const error = await errorOf(() => readBody(decoding, options()));
    expect(error).toMatchObject({ code: 'INTERNAL', status: 503 });
  });

  it('and fails after the answer was given surfaces nowhere', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const request = requestOf({ headers: { 'content-length': '100', 'content-encoding': 'gzip' } });
    const budget = new AbortController();
    const body = errorOf(() => readBody(request, options({ signal: budget.signal })));
    budget.abort();
    await body;
    request.destroy(new Error('gone'));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});

describe('a body of an unknown coding', () => {
  it('is refused before it is read', async () => {
    const request = requestOf({ headers: { 'content-length': '100', 'content-encoding': 'zstd' } });
    const error = await errorOf(() => readBody(request, options()));
    expect(error).toMatchObject({ code: 'CODING_UNKNOWN', status: 415 });
    expect(request.readableDidRead).toBe(false);
  });
});

describe('a body that somebody else has read', () => {
  it('is our fault and says what to do, so that the sender comes again', async () => {
    const request = requestOf({ body: '{}' });
    for await (const _chunk of request);
    const error = await errorOf(() => readBody(request, options()));
    expect(error).toMatchObject({
      code: 'INTERNAL',
      status: 503,
      message: expect.stringContaining('a body parser has already read the body'),
    });
  });
});

describe('a large body', () => {
  const KB = 1024;
  const limit = 1024 * KB;
  const push = (request: ReturnType<typeof requestOf>, kb: number): void => {
    for (let sent = 0; sent < kb; sent += 16) request.push(Buffer.alloc(16 * KB));
  };

  it('is read on when it is its turn: after 64 kB, and after each 256 kB more', async () => {
    const request = requestOf({ headers: { 'transfer-encoding': 'chunked' } });
    const going: (() => void)[] = [];
    let held = 0;
    const account = (bytes: number): void => {
      held += bytes;
    };
    const nextRead = (): Promise<void> => new Promise((go) => going.push(go));
    const body = readBody(request, options({ limit, account, nextRead }));
    push(request, 800);
    request.push(null);
    for (const most of [80, 352, 624]) {
      await vi.waitFor(() => expect(held).toBe(most * KB));
      await new Promise((resolve) => setImmediate(resolve));
      expect(held).toBe(most * KB);
      going.pop()?.();
    }
    expect(await body).toHaveLength(800 * KB);
  });

  it('that waits to be read on is not late by its sender', async () => {
    const request = requestOf({ headers: { 'transfer-encoding': 'chunked' } });
    const budget = new AbortController();
    const nextRead = vi.fn(() => new Promise<void>(() => undefined));
    const body = errorOf(() =>
      readBody(request, options({ limit, signal: budget.signal, nextRead })),
    );
    push(request, 96);
    await vi.waitFor(() => expect(nextRead).toHaveBeenCalled());
    budget.abort();
    expect(await body).toMatchObject({ code: 'BUDGET_SPENT', status: 503 });
  });
});

describe('the bytes a body holds', () => {
  it('are told as they come and as they are inflated', async () => {
    const told: number[] = [];
    const zipped = gzipSync(Buffer.alloc(900));
    const headers = { 'content-encoding': 'gzip' };
    const request = requestOf({ headers, body: zipped });
    await readBody(request, options({ account: (bytes) => told.push(bytes) }));
    expect(told).toEqual([zipped.length, 900]);
  });

  it.each(['', 'gzip'])('end the reading where they are too many (%s)', async (coding) => {
    const over = new Error('too many');
    let held = 0;
    const account = (bytes: number): void => {
      held += bytes;
      if (held > 100) throw over;
    };
    const headers = coding === '' ? {} : { 'content-encoding': coding };
    const body = coding === '' ? Buffer.alloc(101) : gzipSync(Buffer.alloc(900));
    const request = requestOf({ headers, body });
    expect(await errorOf(() => readBody(request, options({ account })))).toBe(over);
  });

  it('are no longer told, nor kept, once the body was given up', async () => {
    const request = requestOf({ headers: { 'transfer-encoding': 'chunked' } });
    const budget = new AbortController();
    let told = 0;
    const body = errorOf(() =>
      readBody(
        request,
        options({
          signal: budget.signal,
          account: (bytes) => {
            told += bytes;
          },
        }),
      ),
    );
    request.push('{');
    await new Promise((resolve) => setImmediate(resolve));
    budget.abort();
    await body;
    request.push('"a":1}');
    request.push(null);
    await new Promise((resolve) => request.once('end', resolve));
    expect(told).toBe(1);
  });
});
