import { expect, it } from 'vitest';
import type { Session } from '../../../../src/outbox/postgres/connection/database.js';
import { Partition } from '../../../../src/outbox/postgres/lanes/partition.js';
import { Reader } from '../../../../src/outbox/postgres/lanes/reader.js';
import type { Shared } from '../../../../src/outbox/postgres/shared.js';

/** A row as the server answers it, and the horizon of the read. */
const row = (position: number) => ({
  horizon: '100',
  hides: false,
  partition: 3,
  tx: '9',
  position: String(position),
  order_key: 'u:ann',
  bytes: 2,
  json: '{}',
});

function reader(run: Session['run']): Reader {
  const continuity = { saw: () => undefined };
  return new Reader({ database: { run }, schema: '"s"', continuity } as unknown as Shared, 1);
}

function partition(): Partition {
  const record = { partition: 3, epoch: '1', turn: 0, xid: 1n, position: 0, settled: [2], void: 0 };
  return new Partition(record, new Map());
}

it('reads on behind what was read, and goes on from the horizon', async () => {
  const own = partition();
  const { events } = await reader(async () => [row(1), row(2), row(3)]).read([own], []);
  // The second was settled by an earlier owner.
  expect(events.map(({ position }) => position)).toEqual([1, 3]);
  expect(own.read).toEqual({ xid: 100n, position: 0 });
  expect(own.isBehind).toBe(false);
});

it('drops what it finds of a partition that has to be read again meanwhile', async () => {
  const own = partition();
  await reader(async () => [row(1)]).read([own], []);
  const { events } = await reader(async () => {
    // What was only buffered is given up, for instance because the partition is to be handed over.
    own.unread();
    return [row(4)];
  }).read([own], []);
  expect(events).toEqual([]);
  expect(own.read).toEqual({ xid: 1n, position: 0 });
  expect(own.isBehind).toBe(true);
  const { events: again } = await reader(async () => [row(1), row(2), row(4)]).read([own], []);
  expect(again.map(({ position }) => position)).toEqual([1, 4]);
});
