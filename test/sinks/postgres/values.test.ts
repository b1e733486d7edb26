import { describe, expect, it } from 'vitest';
import { columnTypeOf, fitted } from '../../../src/sinks/postgres/values.js';

describe('postgres: the type of a value', () => {
  it.each([
    [true, 'boolean'],
    [10, 'numeric'],
    [10.5, 'numeric'],
    ['', 'text'],
    ['2026-01-02', 'timestamptz'],
    ['2026-01-02T03:04:05.678Z', 'timestamptz'],
    ['2026-01-02 03:04:05', 'timestamptz'],
    ['2026-13-02', 'text'],
    ['2026-02-30', 'text'],
    ['2026-02-30T00:00:00.000Z', 'text'],
    ['2025-02-29 10:00', 'text'],
    ['2024-02-29', 'timestamptz'],
    ['2026-06-31T10:00:00+02:00', 'text'],
    ['2026', 'text'],
    ['0000-01-01', 'text'],
    ['[1]', 'text'],
  ])('is of %j %s', (value, type) => {
    expect(columnTypeOf(value, 'numeric')).toBe(type);
  });

  it('of a whole number is bigint if the options say so, as far as a bigint is exact', () => {
    expect(columnTypeOf(10, 'bigint')).toBe('bigint');
    expect(columnTypeOf(10.5, 'bigint')).toBe('numeric');
    expect(columnTypeOf(2 ** 53, 'bigint')).toBe('numeric');
  });

  it.each([
    [10, 'text', 10],
    ['free', 'numeric', undefined],
    ['10.5', 'numeric', 10.5],
    ['010', 'numeric', undefined],
    ['NaN', 'numeric', undefined],
    [10.5, 'bigint', undefined],
    [10, 'bigint', 10],
    [1e21, 'bigint', undefined],
    [40_000, 'smallint', undefined],
    ['true', 'boolean', undefined],
    [1, 'boolean', undefined],
    ['2026-01-02 03:04:05+0200', 'timestamp with time zone', '2026-01-02T01:04:05.000Z'],
    ['soon', 'timestamp with time zone', undefined],
    ['2026-02-30', 'timestamp with time zone', undefined],
    ['2026-02-30T00:00:00.000Z', 'timestamp without time zone', undefined],
    [7, 'timestamp with time zone', undefined],
    ['anything', 'jsonb', 'anything'],
    [7, 'citext', '7'],
  ])('%j in a column of %s is %j', (value, type, expected) => {
    expect(fitted(value, type)).toEqual(expected);
  });
});
