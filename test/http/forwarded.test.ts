import { describe, expect, it } from 'vitest';
import { createForwarded, type TrustProxy } from '../../src/http/forwarded.js';
import { contextOf } from './requests.js';

interface Asked {
  readonly peer?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function requestFrom({ peer = '10.0.0.1', headers = {} }: Asked) {
  const { request } = contextOf({ headers: { host: 'inner.example', ...headers } });
  Object.defineProperty(request.req.socket, 'remoteAddress', { value: peer || undefined });
  return request;
}
const addressOf = (trust: TrustProxy, forwarded: string | undefined, peer = '10.0.0.1'): string => {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return createForwarded(trust).addressOf(requestFrom({ peer, headers }));
};
const originOf = (trust: TrustProxy, asked: Asked): string =>
  createForwarded(trust).originOf(requestFrom(asked));

const NETWORKS = ['10.0.0.0/8', 'fd00::/8'];

describe('the address of a sender', () => {
  it.each<[TrustProxy, string | undefined, string]>([
    [false, '192.0.2.1', '10.0.0.1'],
    [0, '192.0.2.1', '10.0.0.1'],
    [true, '192.0.2.1', '192.0.2.1'],
    [true, undefined, '10.0.0.1'],
    [true, '6.6.6.6, 192.0.2.1', '192.0.2.1'],
    [1, '6.6.6.6, 192.0.2.1', '192.0.2.1'],
    [2, '6.6.6.6, 192.0.2.1, 10.0.0.2', '192.0.2.1'],
    [2, '192.0.2.1', '192.0.2.1'],
    [9, '6.6.6.6, 192.0.2.1', '6.6.6.6'],
    [NETWORKS, '6.6.6.6, 192.0.2.1', '192.0.2.1'],
    [NETWORKS, '6.6.6.6, 192.0.2.1, 10.9.9.9, fd00::9', '192.0.2.1'],
    [NETWORKS, '10.0.0.8, 10.0.0.9', '10.0.0.8'],
    [['127.0.0.1'], '192.0.2.1', '10.0.0.1'],
  ])('trusting %j, forwarded %j, is %s', (trust, forwarded, address) => {
    expect(addressOf(trust, forwarded)).toBe(address);
  });

  it.each([
    ['192.0.2.1:4711', '192.0.2.1'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['"192.0.2.1"', '192.0.2.1'],
    ['192.0.2.1, unknown', '192.0.2.1'],
    ['192.0.2.1,, ,', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['garbage', ''],
    ['999.1.1.1', ''],
    ['<script>', ''],
    ['', ''],
  ])('is only ever an address: %j is %s', (forwarded, address) => {
    for (const trust of [true, NETWORKS]) expect(addressOf(trust, forwarded)).toBe(address);
  });

  it('is read from the end of a list that is too long for any chain of proxies', () => {
    const long = `${'1.1.1.1,'.repeat(100_000)}192.0.2.1`;
    expect(addressOf(true, long)).toBe('192.0.2.1');
    expect(addressOf(true, `192.0.2.1${',x'.repeat(100_000)}`)).toBe('');
  });

  it('is a plain one also without a proxy, and none on a Unix socket', () => {
    expect(addressOf(false, undefined, '::ffff:192.0.2.1')).toBe('192.0.2.1');
    expect(addressOf(false, undefined, '')).toBe('');
    for (const trust of [true, NETWORKS]) {
      expect(addressOf(trust, undefined, '')).toBe('');
      expect(addressOf(trust, '192.0.2.1', '')).toBe('192.0.2.1');
    }
  });
});

describe('where a request was sent to', () => {
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'outer.example' };

  it('is what a trusted proxy says', () => {
    for (const trust of [true, 2, NETWORKS]) {
      expect(originOf(trust, { headers })).toBe('https://outer.example');
    }
  });

  it('is what the request says, from anyone else', () => {
    for (const trust of [false, ['127.0.0.1']]) {
      expect(originOf(trust, { headers })).toBe('http://inner.example');
    }
  });

  it('is the last of several, which the nearest proxy wrote', () => {
    const several = {
      'x-forwarded-proto': 'http, HTTPS',
      'x-forwarded-host': 'evil, good.example:8443',
    };
    expect(originOf(true, { headers: several })).toBe('https://good.example:8443');
  });

  it('is never what is no host or protocol', () => {
    for (const bad of ['evil/path', 'evil@host', 'a b', '[', '', `${'x'.repeat(300)}/`]) {
      const odd = { 'x-forwarded-proto': 'javascript', 'x-forwarded-host': bad };
      expect(originOf(true, { headers: odd })).toBe('http://inner.example');
    }
  });
});
