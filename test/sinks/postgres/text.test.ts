import { describe, expect, it } from 'vitest';
import { storableJson, storableText, storableTime } from '../../../src/sinks/postgres/text.js';

describe('postgres: what it can hold', () => {
  it.each([
    ['a\u0000b', 'a\\u0000b'],
    ['\ud800', '\\ud800'],
    ['x\udfffy', 'x\\udfffy'],
    ['😀 é \n\u0001', '😀 é \n\u0001'],
    ['\\u0000', '\\u0000'],
    ['\\\u0000', '\\\\u0000'],
  ])('is %j as text and in JSON', (text, expected) => {
    expect(storableText(text)).toBe(expected);
    expect(JSON.parse(storableJson(JSON.stringify({ [text]: text })))).toEqual({
      [expected]: expected,
    });
  });

  it('leaves escaped pairs together, and what only looks like an escape alone', () => {
    expect(storableJson('"\\ud83d\\ude00\\u00e9\\\\u0000"')).toBe(
      '"\\ud83d\\ude00\\u00e9\\\\u0000"',
    );
    expect(JSON.parse(storableJson('"\\ud83d\\ud83d\\ude00"'))).toBe('\\ud83d😀');
  });

  it.each([
    ['2026-01-02T03:04:05.000Z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-31T03:04:05.000Z', '2026-01-31T03:04:05.000Z'],
    ['2024-02-29T03:04:05Z', '2024-02-29T03:04:05.000Z'],
    ['2026-02-29T03:04:05.000Z', null],
    ['2026-02-30T03:04:05.000Z', null],
    ['2026-02-30T23:30:00-02:00', null],
    ['1900-02-29', null],
    ['2026-04-31', null],
    ['2026-01-32T00:00:00Z', null],
    ['0001-01-02T00:00:00Z', '0001-01-02T00:00:00.000Z'],
    ['2026-01-02T03:04:05+02:00', '2026-01-02T01:04:05.000Z'],
    ['2026-13-02T03:04:05.000Z', null],
    ['0000-01-02T03:04:05.000Z', null],
    ['+012026-01-02T03:04:05.000Z', null],
    ['infinity', null],
    [7, null],
  ])('reads the time %j as %j', (value, expected) => {
    expect(storableTime(value)).toBe(expected);
  });
});
