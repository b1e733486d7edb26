import { describe, expect, it } from 'vitest';
import { loadDriver } from '../../src/core/driver.js';

const missing = (name: string): Error =>
  Object.assign(new Error(`Cannot find package '${name}' imported from elsewhere`), {
    code: 'ERR_MODULE_NOT_FOUND',
  });

describe('a driver', () => {
  it('is loaded', async () => {
    expect(await loadDriver('driver', async () => 7, 'orders')).toBe(7);
  });

  it.each(['driver', 'other@2 @scope/driver@~3.3.1'])(
    'that is missing is asked for: %s',
    async (packages) => {
      const name = packages === 'driver' ? 'driver' : '@scope/driver';
      const load = () => Promise.reject(missing(name));
      await expect(loadDriver(packages, load, 'orders')).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: `orders: its driver is not installed; run "npm install ${packages}"`,
      });
    },
  );

  it('that is broken fails as it does', async () => {
    const broken = missing('something-else');
    await expect(loadDriver('driver', () => Promise.reject(broken), 'orders')).rejects.toBe(broken);
    const thrown = new TypeError('no');
    await expect(loadDriver('driver', () => Promise.reject(thrown), 'orders')).rejects.toBe(thrown);
  });
});
