import { describe, expect, it } from 'vitest';
import { checkPostgres } from '../../../src/outbox/postgres/check.js';
import { requireServer } from '../../support/servers.js';
import { postgresPlaces } from './places.js';
import { members } from './setup.js';

describe.runIf(await requireServer('PostgreSQL', 5432))('a check of the server', () => {
  const places = postgresPlaces();
  const start = members(places);
  const check = (schema: string, partitions = 16, url = places.url()) =>
    checkPostgres({ url, schema, partitions, durability: 'full' }, true);

  it('describes it, and changes nothing', async () => {
    const schema = places.newSchema();
    expect(await check(schema)).toMatch(
      /^PostgreSQL [\d.]+.*, fsync on, synchronous_commit on, synchronous standbys: none; schema store_1 has no store yet; the first start creates it with 16 partitions$/,
    );
    await start(schema);
    expect(await check(schema)).toContain('; the store in schema store_1 has 16 partitions');
    await expect(check(schema, 8)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('set outbox.partitions to 16'),
    });
  });

  it('refuses a server that may lose what it has acknowledged', async () => {
    const schema = places.newSchema();
    const url = `${places.url()}?options=-c%20synchronous_commit%3Doff`;
    await expect(check(schema, 16, url)).rejects.toMatchObject({
      message: expect.stringContaining('synchronous_commit = off'),
    });
  });

  it('refuses a server that keeps fewer copies than asked for', async () => {
    const schema = places.newSchema();
    const options = { url: places.url(), schema, partitions: 16, durability: 'full' } as const;
    await expect(checkPostgres({ ...options, replicas: 2 }, true)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(
        'set synchronous_standby_names, for instance to FIRST 1 (*)',
      ),
    });
    await expect(start(schema, [], { replicas: 2 })).rejects.toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining('outbox.replicas is 2'),
    });
    // Commits would wait for ever.
    await places.query("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await places.query('SELECT pg_reload_conf()');
    try {
      await expect
        .poll(() => checkPostgres({ ...options, replicas: 2 }, true).catch(String))
        .toContain('no standby is connected to the server, so every commit waits; start 1 more');
    } finally {
      await places.query('ALTER SYSTEM RESET synchronous_standby_names');
      await places.query('SELECT pg_reload_conf()');
    }
  });

  it('says that nobody answers, without the password', async () => {
    const error = await check('s', 16, 'postgresql://user:a-password@127.0.0.1:1/db').catch(String);
    expect(error).toContain('127.0.0.1:1 cannot be reached');
    expect(error).not.toContain('a-password');
  });
});
