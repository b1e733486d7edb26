import { describe, expect, it } from 'vitest';
import { connectionsWithin, openFilesLimit } from '../../src/http/open-files.js';

const limitsOf = (soft: string): string =>
  [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max processes             1024                 2048                 processes ',
    `Max open files            ${soft.padEnd(20)} 1048576              files     `,
  ].join('\n');

describe('the limit of open files', () => {
  it('is the soft one', () => {
    expect(openFilesLimit(() => limitsOf('4096'))).toBe(4096);
  });

  it('is not known where there is none, or the system does not say', () => {
    expect(openFilesLimit(() => limitsOf('unlimited'))).toBeUndefined();
    expect(
      openFilesLimit(() => {
        throw new Error('ENOENT');
      }),
    ).toBeUndefined();
  });

  it.each([
    [undefined, 10_000, 10_000],
    [1_048_576, 10_000, 10_000],
    [10_000, 10_000, 9_000],
    [256, 10_000, 192],
    [256, 100, 100],
    [40, 10_000, 1],
  ])('%s leaves room for connections: of %d wanted, %d', (limit, wanted, room) => {
    expect(connectionsWithin(limit, wanted)).toBe(room);
  });
});
