import { describe, expect, it } from 'vitest';
import { canonicalContext, maskWriteKey, withoutPort } from '../../src/event/context.js';

describe('withoutPort', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['1.2.3.4:5678', '1.2.3.4'],
    ['[::1]:57363', '::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['::1', '::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:db8:0:0:0:0:0:8080', '2001:db8:0:0:0:0:0:8080'],
    ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['host:80', 'host'],
    ['host:name', 'host:name'],
    ['[broken', '[broken'],
    ['', ''],
  ])('of %j is %j', (text, expected) => {
    expect(withoutPort(text)).toBe(expected);
  });
});

describe('canonicalContext', () => {
  it.each([undefined, null])('is an empty object for %s', (context) => {
    expect(canonicalContext(context, undefined)).toEqual({});
  });

  it.each([{}, { ip: null }, { ip: '' }])('takes the address of request_ip for %j', (context) => {
    expect(canonicalContext(context, '203.0.113.7:52100')).toEqual({ ip: '203.0.113.7' });
  });

  it('takes the port off an ip that RudderStack copied from request_ip', () => {
    expect(canonicalContext({ ip: '[::1]:57363' }, '[::1]:57363')).toEqual({ ip: '::1' });
  });

  it('keeps an ip that is not a copy of request_ip', () => {
    expect(canonicalContext({ ip: '10.0.0.1:80' }, '1.2.3.4:5678')).toEqual({ ip: '10.0.0.1:80' });
    expect(canonicalContext({ ip: 5 }, '1.2.3.4:5678')).toEqual({ ip: 5 });
  });

  it.each([42, null, '', ':80', ['1.2.3.4']])('ignores the request_ip %j', (requestIp) => {
    expect(canonicalContext({ a: 1 }, requestIp)).toEqual({ a: 1 });
  });

  it('gives a value of another type back, for the schema to refuse', () => {
    expect(canonicalContext('web', '1.2.3.4')).toBe('web');
    expect(canonicalContext([1], '1.2.3.4')).toEqual([1]);
    expect(canonicalContext([], '1.2.3.4')).toEqual({ ip: '1.2.3.4' });
  });

  it('drops the write key, also where a webhook source recorded its request', () => {
    const context = {
      writeKey: 'WK',
      url: '/v1/webhook?writeKey=WK&a=1',
      query_parameters: { writeKey: 'WK', a: '1' },
    };
    const before = structuredClone(context);
    expect(canonicalContext(context, undefined)).toEqual({
      url: '/v1/webhook?writeKey=***&a=1',
      query_parameters: { a: '1' },
    });
    expect(context).toEqual(before);
  });

  it('shares an object that needs no change', () => {
    const context = { ip: '1.2.3.4' };
    expect(canonicalContext(context, '1.2.3.4')).toBe(context);
  });
});

describe('maskWriteKey', () => {
  it.each([
    ['/v1/webhook?writeKey=WK', '/v1/webhook?writeKey=***'],
    ['/v1/webhook?a=1&writeKey=WK&b=2#f', '/v1/webhook?a=1&writeKey=***&b=2#f'],
    ['/?writeKey=A&writeKey=B', '/?writeKey=***&writeKey=***'],
    ['/?notwriteKey=A', '/?notwriteKey=A'],
    ['/?writeKey=***', '/?writeKey=***'],
  ])('of %s is %s', (url, expected) => {
    expect(maskWriteKey(url)).toBe(expected);
  });
});
