import { describe, expect, it } from 'vitest';
import { familiarPath } from '../../src/ingest/familiar-path.js';

const SOURCES = ['/segment', '/hooks/rudder', '/'];

describe('a path in the log', () => {
  it.each([
    ['/segment', '/segment'],
    ['/segment/', '/segment/'],
    ['//hooks//rudder', '//hooks//rudder'],
    ['/v1/track', '/v1/track'],
    ['/segment/correct-horse-battery', '/segment/***'],
    ['/segmnt', '/***'],
    ['/segment%2Fx', '/***'],
    ['/', '/'],
    ['', ''],
  ])('of %s is %s', (path, shown) => expect(familiarPath(path, SOURCES)).toBe(shown));

  it('has a bounded length', () => {
    expect(familiarPath('/x'.repeat(100_000), SOURCES)).toBe(`${'/***'.repeat(7)}/…`);
    expect(familiarPath('/'.repeat(100_000), SOURCES).length).toBeLessThan(20);
  });
});
