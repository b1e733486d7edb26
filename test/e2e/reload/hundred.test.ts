import { describe, it } from 'vitest';
import { reloadUnderLoad } from './under-load.js';

describe('a hundred reloads under load', () => {
  it('lose nothing, duplicate nothing and keep the order of each user', async () => {
    await reloadUnderLoad(100, 1);
  }, 600_000);

  it('do the same with workers', async () => {
    await reloadUnderLoad(100, 2);
  }, 600_000);
});
