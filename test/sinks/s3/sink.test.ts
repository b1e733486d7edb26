import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.js';
import { createS3Sink, type S3Options, s3Sink } from '../../../src/sinks/s3/sink.js';
import type { Sink } from '../../../src/sinks/sink.js';
import { type Bench, sinkContract } from '../contract.js';
import { sinkContext, sinkEvent } from '../events.js';
import { failed, never } from '../http/setup.js';
import { BUCKET, KEYS, refuse, type S3Store, s3Store } from './store.js';

const optionsAt = (port: number): S3Options => ({
  endpoint: `http://127.0.0.1:${port}`,
  region: 'us-east-1',
  bucket: BUCKET,
  prefix: 'raw/tracking',
  ...KEYS,
  close: { size: 1024, age: 1000 },
});

sinkContract('s3', async (): Promise<Bench> => {
  const store = await s3Store();
  return {
    sink: await createS3Sink(optionsAt(store.port), sinkContext()),
    // Nothing listens on port 1 of the loopback.
    broken: await createS3Sink(optionsAt(1), sinkContext()),
    received: () => store.events(),
    stall: () => {
      store.door = () => true;
    },
    fail: () => {
      // As Amazon does, which repeats the key.
      store.door = (_method, _url, response) =>
        refuse(response, 403, 'SignatureDoesNotMatch', Object.values(KEYS).join(' '));
    },
    mend: () => {
      store.door = undefined;
    },
    secrets: Object.values(KEYS),
    dispose: () => store.close(),
  };
});

describe('s3', () => {
  let store: S3Store;
  let sink: Sink;
  const sinks: Sink[] = [];
  const create = async (options: Partial<S3Options> = {}, clock = systemClock): Promise<Sink> => {
    const made = await createS3Sink(
      { ...optionsAt(store.port), ...options },
      { ...sinkContext(), clock },
    );
    sinks.push(made);
    await made.open();
    return made;
  };
  beforeEach(async () => {
    store = await s3Store();
    sink = await create();
  });
  afterEach(async () => {
    await Promise.all(sinks.splice(0).map((each) => each.close()));
    await store.close();
  });

  const at = (id: string, receivedAt: string) =>
    sinkEvent(id, { receipt: { ...sinkEvent(id).event.receipt, receivedAt } });

  it('names objects by date and hour of arrival, and by their content', async () => {
    await sink.deliver(
      [
        at('a', '2026-11-21T04:59:59.999Z'),
        at('b', '2026-11-21T05:00:00.000Z'),
        at('c', '2026-11-21T04:59:59.999Z'),
      ],
      never(),
    );
    const hash = '[0-9a-f]{32}';
    expect(await store.keys()).toEqual([
      expect.stringMatching(
        new RegExp(
          `^raw/tracking/dt=2026-11-21/hour=04/20261121T045959999Z-${hash}\\.ndjson\\.gz$`,
        ),
      ),
      expect.stringMatching(
        new RegExp(
          `^raw/tracking/dt=2026-11-21/hour=05/20261121T050000000Z-${hash}\\.ndjson\\.gz$`,
        ),
      ),
    ]);
    expect((await store.events()).map((event) => Object(event).messageId)).toEqual(['a', 'c', 'b']);
  });

  it('lets no event choose its place, and takes one whose times a transform took out', async () => {
    await sink.deliver(
      [
        sinkEvent('a', { receivedAt: '2030-01-01T00:00:00.000Z' }),
        sinkEvent('b', { receivedAt: '../../x', receipt: { source: 's' } }),
        sinkEvent('c', { receivedAt: '+275760-09-13T00:00:00.000Z', receipt: { source: 's' } }),
      ],
      never(),
    );
    const places = (await store.keys()).map((key) => key.split('/').slice(2, 4).join('/'));
    expect(places).toEqual(['dt=1970-01-01/hour=00', 'dt=2026-01-02/hour=03']);
  });

  it('stores the same events as the same object, also after a restart', async () => {
    const batch = [sinkEvent('a'), sinkEvent('b')];
    store.door = (_method, _url, response) => {
      store.door = undefined;
      // Stored or not, the answer never comes.
      response.destroy();
      return true;
    };
    expect(await sink.deliver(batch, never())).toMatchObject([
      { ok: false, retryable: true },
      { ok: false, retryable: true },
    ]);
    await sink.deliver(batch, never());
    const again = await create();
    await again.deliver(batch, never());
    expect(store.requests).toHaveLength(3);
    expect(new Set(store.requests).size).toBe(1);
    expect(await store.events()).toHaveLength(2);
  });

  it('delivers what was stored, and neither the failed object nor what comes after it', async () => {
    store.door = (_method, url, response) =>
      url.includes('hour=05') && refuse(response, 503, 'SlowDown');
    const hours = ['04', '05', '06'].map((hour) => at(hour, `2026-11-21T${hour}:00:00.000Z`));
    expect(await sink.deliver(hours, never())).toMatchObject([
      { ok: true },
      {
        ok: false,
        retryable: true,
        message: 'the store answered 503 Service Unavailable: SlowDown',
      },
      { ok: false, retryable: true },
    ]);
    expect(store.requests).toHaveLength(2);
  });

  it('finds the event that the store refuses for good', async () => {
    store.door = (_method, _url, response, body) =>
      gunzipSync(body).includes('poison') && refuse(response, 400, 'EntityTooLarge');
    const batch = Array.from({ length: 9 }, (_, n) =>
      sinkEvent(`m-${n}`, n === 4 ? { event: 'poison' } : {}),
    );
    const results = await sink.deliver(batch, never());
    expect(results.flatMap((result, index) => (result.ok ? [] : [index]))).toEqual([4]);
    expect(results[4]).toMatchObject({ retryable: false });
    const arrived = (await store.events()).map((event) => Object(event).messageId);
    expect(arrived).toEqual(['m-0', 'm-1', 'm-2', 'm-3', 'm-5', 'm-6', 'm-7', 'm-8']);
  });

  it.each([
    [503, 'SlowDown', true, ''],
    [500, 'InternalError', true, ''],
    [429, 'TooManyRequests', true, ''],
    [404, 'NoSuchBucket', true, 'create the bucket events'],
    [403, 'AccessDenied', true, 's3:PutObject'],
    [403, 'InvalidAccessKeyId', true, 'accessKeyId'],
    [403, 'RequestTimeTooSkewed', true, 'clock'],
    [400, 'AuthorizationHeaderMalformed', true, 'region'],
    [301, 'PermanentRedirect', true, 'region'],
    [400, 'RequestTimeout', true, ''],
    [400, 'EntityTooLarge', false, ''],
    [413, 'Whatever', false, ''],
  ])('%i %s: worth another try is %s', async (status, code, retryable, advice) => {
    store.door = (_method, _url, response) => refuse(response, status, code);
    const [result] = await sink.deliver([sinkEvent('a')], never());
    expect(result).toMatchObject({ ok: false, retryable });
    expect(result).toMatchObject({ message: expect.stringContaining(code) });
    expect(result).toMatchObject({ message: expect.stringContaining(advice) });
  });

  it('passes on when the store says to come again', async () => {
    store.door = (_method, _url, response) => {
      response.setHeader('retry-after', '7');
      return refuse(response, 503, 'SlowDown');
    };
    expect(await sink.deliver([sinkEvent('a')], never())).toMatchObject([{ retryAfter: 7000 }]);
  });

  it('goes on when the store was restarted', async () => {
    await sink.deliver([sinkEvent('a')], never());
    await store.stop();
    expect(await sink.deliver([sinkEvent('b')], never())).toMatchObject([{ retryable: true }]);
    await store.start();
    expect(await sink.deliver([sinkEvent('b')], never())).toEqual([{ ok: true }]);
    expect((await store.events()).map((event) => Object(event).messageId)).toEqual(['a', 'b']);
  });

  it.each([
    ['no such bucket', { bucket: 'nowhere' }, /NoSuchBucket, create the bucket nowhere/],
    [
      'a wrong secret',
      { secretAccessKey: 'wrong-secret' },
      /SignatureDoesNotMatch, check accessKeyId/,
    ],
    ['an unknown key', { accessKeyId: 'somebody' }, /check accessKeyId/],
  ])('check tells %s', async (_name, options, message) => {
    const wrong = await create(options);
    const error = await failed(wrong.check());
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('wrong-secret');
  });

  it('check tells a clock that is wrong', async () => {
    const late = await create({}, { ...systemClock, now: () => Date.now() - 3_600_000 });
    expect((await failed(late.check())).message).toMatch(/RequestTimeTooSkewed, set the clock/);
  });

  it('check takes a refused checksum for the right to write, and leaves nothing where none is looked at', async () => {
    await sink.check();
    expect(store.requests.map((line) => line.split(' ')[0])).toEqual(['PUT', 'DELETE']);
    expect(await store.keys()).toEqual([]);
    store.door = (_method, _url, response) => refuse(response, 400, 'BadDigest');
    await sink.check();
    expect(store.requests).toHaveLength(3);
  });

  it('refuses an endpoint that is more than a base URL, and a prefix that leads elsewhere', async () => {
    const endpoint = 'http://user:hunter2-password@127.0.0.1/';
    await expect(create({ endpoint })).rejects.toThrow(/^endpoint: must be a URL without user/);
    await expect(create({ prefix: 'a/../b' })).rejects.toThrow(/^prefix: must not have/);
  });

  it('has a batch filled by close instead of batch.wait', () => {
    expect(s3Sink.fill?.({ close: { size: 5, age: 7 } } as never)).toEqual({ bytes: 5, wait: 7 });
  });
});
