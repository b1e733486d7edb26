import { expect, it } from 'vitest';
import { none } from '../../src/verify/none.js';
import { verdictOf } from './signed.js';

it('none holds for anything and covers nothing', () => {
  expect(verdictOf(none(), { body: 'x' })).toEqual({ passed: true, covers: 'nothing' });
});
