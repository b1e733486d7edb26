import { describe, expect, it } from 'vitest';
import { type ErrorCode, errorOf, messageOf, TrackbridgeError } from '../../src/core/errors.js';

describe('an error', () => {
  it.each<[ErrorCode, number]>([
    ['BODY_EMPTY', 400],
    ['BODY_MALFORMED', 400],
    ['LIMIT_EXCEEDED', 400],
    ['QUERY_MALFORMED', 400],
    ['UNAUTHENTICATED', 401],
    ['NOT_FOUND', 404],
    ['METHOD_NOT_ALLOWED', 405],
    ['BODY_TIMEOUT', 408],
    ['BODY_TOO_LARGE', 413],
    ['CODING_UNKNOWN', 415],
    ['EVENT_INVALID', 422],
    ['RATE_LIMITED', 429],
    ['HEAD_TOO_LARGE', 431],
  ])('of a sender is what the contract answers: %s is %d', (code, status) => {
    expect(new TrackbridgeError(code, 'what').status).toBe(status);
  });

  it.each<ErrorCode>([
    'INTERNAL',
    'DRAINING',
    'BUDGET_SPENT',
    'KEYS_UNAVAILABLE',
    'OUTBOX_FULL',
    'OUTBOX_UNAVAILABLE',
    'OUTBOX_CORRUPT',
  ])('of ours is a 503, which both vendors try again: %s', (code) => {
    expect(new TrackbridgeError(code, 'what').status).toBe(503);
  });

  it('carries what is public of it, and its cause for the operator', () => {
    const cause = new Error('inside');
    const errors = [{ path: '/event', message: 'must be a string' }];
    const error = new TrackbridgeError('EVENT_INVALID', 'the event is not valid', {
      cause,
      errors,
      retryAfter: 5,
      headers: { allow: 'POST' },
    });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'TrackbridgeError',
      code: 'EVENT_INVALID',
      title: 'The event is not valid',
      message: 'the event is not valid',
      cause,
      errors,
      retryAfter: 5,
      headers: { allow: 'POST' },
    });
    expect(new TrackbridgeError('INTERNAL', 'x')).not.toHaveProperty('cause');
  });
});

describe('the text of what was thrown', () => {
  it.each([
    [new TypeError('a bug'), 'a bug'],
    [new TrackbridgeError('INTERNAL', 'ours'), 'ours'],
    ['a text', 'a text'],
    [undefined, 'undefined'],
    [null, 'null'],
    [5, '5'],
  ])('of %s is `%s`', (thrown, text) => {
    expect(messageOf(thrown)).toBe(text);
  });
});

describe('messageOf', () => {
  it('joins the errors of all addresses of a host', () => {
    const error = new AggregateError([
      new Error('refused by ::1'),
      new Error('refused by 127.0.0.1'),
    ]);
    expect(messageOf(error)).toBe('refused by ::1; refused by 127.0.0.1');
    expect(messageOf(new AggregateError([], 'its own'))).toBe('its own');
  });
});

describe('errorOf', () => {
  it('returns an error itself', () => {
    const error = new Error('disk full');
    expect(errorOf(error)).toBe(error);
  });

  it.each([
    [undefined, 'undefined'],
    ['text', 'text'],
    [{ email: 'someone@example.com' }, '[object Object]'],
    [Object.create(null), '[object Object]'],
  ])('shows only the kind of an object that is not an error: %#', (thrown, name) => {
    expect(errorOf(thrown).message).toBe(`a thrown value that is not an error: ${name}`);
  });
});
