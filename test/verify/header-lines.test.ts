import { describe, expect, it } from 'vitest';
import { headerLines } from '../../src/verify/header-lines.js';

describe('headerLines', () => {
  const lines = headerLines(['X-Signature', 'one', 'Host', 'x-signature', 'x-signature', 'two']);

  it('finds a header whatever its case', () => {
    expect(lines.first('x-signature')).toBe('one');
    expect(lines.first('host')).toBe('x-signature');
  });

  it('keeps every line of one name, in order', () => {
    expect(lines.all('x-signature')).toEqual(['one', 'two']);
  });

  it('never takes a value for a name', () => {
    expect(headerLines(['a', 'x-signature', 'b', 'c']).all('x-signature')).toEqual([]);
  });

  it('has nothing of a header that was not sent', () => {
    expect(lines.first('authorization')).toBeUndefined();
    expect(lines.all('authorization')).toEqual([]);
    expect(headerLines([]).first('host')).toBeUndefined();
  });

  it('names every header once, in lower case, and no value', () => {
    expect(lines.names()).toEqual(['x-signature', 'host']);
    expect(headerLines([]).names()).toEqual([]);
  });

  it('tells names of the same length apart', () => {
    expect(headerLines(['x-one', '1', 'x-two', '2']).first('x-two')).toBe('2');
    expect(headerLines(['x-one', '1']).first('x-two')).toBeUndefined();
  });

  it('keeps an empty value apart from a missing header', () => {
    expect(headerLines(['X-Empty', '']).first('x-empty')).toBe('');
  });
});
