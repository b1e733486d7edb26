import { describe, expect, it } from 'vitest';
import type { PostgresOutbox } from '../../../src/outbox/postgres/outbox.js';
import { eventually } from '../../support/receiver.js';
import { requireServer } from '../../support/servers.js';
import { delivery, newEvent, newEvents } from '../samples.js';
import { postgresPlaces } from './places.js';
import { members } from './setup.js';

describe.runIf(await requireServer('PostgreSQL', 5432))('a member whose store is replaced', () => {
  const places = postgresPlaces();
  const start = members(places);
  let number = 0;
  const refusal = (outbox: PostgresOutbox) =>
    eventually(
      () =>
        outbox.append(delivery([newEvent(`later-${++number}`)])).then(
          () => undefined,
          (error: unknown) => error as { code: string; message: string },
        ),
      (error) => error?.code === 'OUTBOX_CORRUPT',
    );

  it('accepts nothing more when another store is in its place', async () => {
    const schema = places.newSchema();
    const { lines, outbox } = await start(schema);
    await outbox.append(delivery(newEvents(10)));
    await places.query(`DROP SCHEMA ${schema} CASCADE`);
    const other = await start(schema);
    expect(await refusal(outbox)).toMatchObject({
      message: expect.stringMatching(
        /^The store at \S+ is another one than this process has opened; restore the newest one, or/,
      ),
    });
    await expect(outbox.probe()).rejects.toMatchObject({ code: 'OUTBOX_CORRUPT' });
    expect(lines.filter((line) => line.includes('is another one'))).toHaveLength(1);
    expect(await other.outbox.append(delivery([newEvent('new')]))).toMatchObject([
      { outcome: 'accepted' },
    ]);
  });

  it('accepts nothing more when an older copy is in its place, until it is started again', async () => {
    const schema = places.newSchema();
    const { outbox } = await start(schema);
    await outbox.append(delivery(newEvents(10)));
    await places.query(`SELECT setval('${schema}.position', 4)`);
    await places.query(`DELETE FROM ${schema}.event WHERE position > 4`);
    expect(await refusal(outbox)).toMatchObject({
      message: expect.stringMatching(/ is an older copy: it does not know position 1\d;/),
    });
    await outbox.close();
    const again = await start(schema);
    expect(await again.outbox.append(delivery([newEvent('again')]))).toMatchObject([
      { outcome: 'accepted' },
    ]);
  });
});
