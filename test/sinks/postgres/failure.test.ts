import { describe, expect, it } from 'vitest';
import { postgresFailure } from '../../../src/sinks/postgres/failure.js';

const PLACE = { server: 'db:5432', database: 'analytics' };
const answered = (code: string): Error =>
  Object.assign(new Error(`value "secret" of\nthe row`), { code, severity: 'ERROR' });

describe('postgres: what a failure means', () => {
  it.each([
    ['22001', false],
    ['22P02', false],
    ['23505', false],
    ['54000', false],
    ['P0001', false],
    ['08006', true],
    ['25006', true],
    ['28P01', true],
    ['3D000', true],
    ['40P01', true],
    ['42P01', true],
    ['42P10', true],
    ['42501', true],
    ['53300', true],
    ['57P01', true],
    ['XX000', true],
  ])('%s may pass: %s', (code, retryable) => {
    const error = postgresFailure(answered(code), PLACE, false);
    expect(error.retryable).toBe(retryable);
    expect(error.message).toMatch(new RegExp(`^db:5432 [ -~]{5,} \\(SQLSTATE ${code}\\)$`));
    expect(error.message).not.toContain('secret');
    expect(error.farSide).toBe('value "secret" of\\u000athe row');
  });

  it.each(['EPIPE', 'ECONNREFUSED', undefined])('no answer at all may pass: %s', (code) => {
    const error = postgresFailure(Object.assign(new Error('write'), { code }), PLACE, false);
    expect(error).toMatchObject({ retryable: true, message: 'db:5432 cannot be reached: write' });
  });

  it('an error of several addresses has no message of its own', () => {
    const error = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
    expect(postgresFailure(error, PLACE, false).message).toBe(
      'db:5432 cannot be reached: ECONNREFUSED',
    );
  });
});
