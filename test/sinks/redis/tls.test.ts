import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireServer } from '../../support/servers.js';
import { startTlsFront, type TlsFront } from '../../support/tls-front.js';
import { sinkEvent } from '../events.js';
import { redisPlayground, redisSink } from './setup.js';

const there = await requireServer('redis', 6379);

describe.skipIf(!there)('a redis sink over TLS', () => {
  let front: TlsFront;
  let url: string;
  beforeAll(async () => {
    front = await startTlsFront(6379, 'redis.test');
    url = `rediss://127.0.0.1:${front.port}`;
  });
  afterAll(async () => {
    await front.close();
  });

  it('delivers where the certificate holds', async () => {
    const place = redisPlayground();
    const sink = redisSink({
      url,
      stream: place.prefix,
      ssl: { ca: front.ca, servername: 'redis.test' },
    });
    await sink.check();
    const deliver = sink.deliver([sinkEvent('a')], new AbortController().signal);
    expect(await deliver).toEqual([{ ok: true }]);
    expect(await place.client.xlen(place.prefix)).toBe(1);
    await sink.close();
    await place.dispose();
  });

  it.each([
    ['of an unknown authority', () => ({}), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['for another name', () => ({ ssl: { ca: front.ca } }), 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('sends nothing to a certificate %s', async (_, options, code) => {
    const sink = redisSink({ url, ...options() });
    await expect(sink.check()).rejects.toThrow(code);
    await sink.close();
  });
});
