import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TrackbridgeError } from '../../src/core/errors.js';
import { problemOf, rawProblem } from '../../src/http/problem.js';

const parsed = (error: unknown): Record<string, unknown> =>
  JSON.parse(problemOf(error).body) as Record<string, unknown>;

/** Nothing of it runs, loads or is framed in a browser. */
const POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

describe('an error of ours', () => {
  it('becomes a problem by RFC 9457 that must not be cached', () => {
    const errors = [{ path: '/event', message: 'must be a string' }];
    const error = new TrackbridgeError('EVENT_INVALID', 'the event is not valid', { errors });
    const { status, headers } = problemOf(error);
    expect(status).toBe(422);
    expect(headers).toEqual({
      'content-type': 'application/problem+json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': POLICY,
    });
    expect(parsed(error)).toEqual({
      type: 'urn:trackbridge:event-invalid',
      title: 'The event is not valid',
      status: 422,
      detail: 'the event is not valid',
      errors,
    });
  });

  it('brings its own headers, and no cause', () => {
    const error = new TrackbridgeError('METHOD_NOT_ALLOWED', 'no', {
      headers: { allow: 'POST' },
      cause: new Error('/a/path'),
    });
    expect(problemOf(error).headers).toMatchObject({ allow: 'POST' });
    expect(problemOf(error).body).not.toContain('/a/path');
    expect(parsed(error)).not.toHaveProperty('errors');
  });
});

describe('Retry-After', () => {
  const secondsOf = (retryAfter?: number): string | undefined =>
    problemOf(
      new TrackbridgeError('RATE_LIMITED', 'x', retryAfter === undefined ? {} : { retryAfter }),
    ).headers['retry-after'];

  it.each([
    [undefined, '1'],
    [0, '1'],
    [-5, '1'],
    [1, '1'],
    [1000, '1'],
    [1001, '2'],
    [5000, '5'],
  ])('of %s ms is %s', (retryAfter, seconds) => {
    expect(secondsOf(retryAfter)).toBe(seconds);
  });

  it('is whole seconds, at least one, and never earlier than asked', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (retryAfter) => {
        const seconds = secondsOf(retryAfter);
        expect(seconds).toMatch(/^[1-9]\d*$/);
        expect(Number(seconds) * 1000).toBeGreaterThanOrEqual(retryAfter);
      }),
    );
  });

  it('is with every 503 and 429, and with nothing that must not be tried again', () => {
    for (const code of ['INTERNAL', 'DRAINING', 'OUTBOX_FULL', 'RATE_LIMITED'] as const) {
      expect(problemOf(new TrackbridgeError(code, 'x')).headers['retry-after'], code).toBe('1');
    }
    for (const code of ['BODY_MALFORMED', 'UNAUTHENTICATED', 'EVENT_INVALID'] as const) {
      const error = new TrackbridgeError(code, 'x', { retryAfter: 5000 });
      expect(problemOf(error).headers, code).not.toHaveProperty('retry-after');
    }
  });
});

describe('an error of somebody else', () => {
  const secret = 'secret at /home/me/file';
  it.each([
    ['an error', new Error(secret)],
    ['an error with a status of its own', Object.assign(new Error(secret), { status: 400 })],
    ['an error with a code', Object.assign(new Error(secret), { code: secret, status: 404 })],
    ['a text', secret],
    ['an object', { secret, toString: (): string => secret }],
    ['nothing', undefined],
  ])('is a 503 without a word of it: %s', (_what, error) => {
    const { status, headers, body } = problemOf(error);
    expect(status).toBe(503);
    expect(headers['retry-after']).toBe('1');
    expect(body).not.toContain('secret');
    expect(body).not.toContain('/home');
    expect(parsed(error)).toMatchObject({ type: 'urn:trackbridge:internal', status: 503 });
  });
});

describe('a problem for a socket', () => {
  it('is a whole HTTP answer that ends the connection', () => {
    const text = rawProblem(new TrackbridgeError('REQUEST_MALFORMED', 'nö'), 'the-id');
    const [head = '', body = ''] = text.split('\r\n\r\n');
    expect(head.split('\r\n')).toEqual([
      'HTTP/1.1 400 Bad Request',
      'content-type: application/problem+json; charset=utf-8',
      'cache-control: no-store',
      'x-content-type-options: nosniff',
      `content-security-policy: ${POLICY}`,
      'x-request-id: the-id',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
    ]);
    expect(JSON.parse(body)).toMatchObject({ status: 400, detail: 'nö' });
  });
});
