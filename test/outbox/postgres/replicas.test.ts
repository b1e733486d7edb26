import { describe, expect, it } from 'vitest';
import { copiesOf } from '../../../src/outbox/postgres/replicas.js';

describe('the copies of a commit that is acknowledged', () => {
  it.each([
    ['', 'on', 1],
    [' ', 'on', 1],
    ['*', 'on', 2],
    ['a, b', 'on', 2],
    ['FIRST 2 (a, b, c)', 'on', 3],
    ['first 1 (a)', 'remote_apply', 2],
    ['ANY 2 ("one 1", b, c)', 'on', 3],
    ['2 (a, b)', 'on', 3],
    // The standby has it in memory, or nobody waits for the standby.
    ['FIRST 2 (a, b)', 'remote_write', 1],
    ['FIRST 2 (a, b)', 'local', 1],
    ['FIRST 2 (a, b)', 'off', 1],
  ])('with standbys %j and synchronous_commit %s are %i', (standbys, commit, copies) => {
    expect(copiesOf(standbys, commit)).toBe(copies);
  });
});
