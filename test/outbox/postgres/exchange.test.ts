import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.js';
import type { Exchange } from '../../../src/outbox/exchange.js';
import { boundExchange } from '../../../src/outbox/postgres/exchange.js';
import { requireServer } from '../../support/servers.js';
import { postgresPlaces } from './places.js';
import { type Member, members } from './setup.js';

const BOUNDS = { max: 100, size: 1_000_000, keep: 3_600_000 };

describe.runIf(await requireServer('PostgreSQL', 5432))('members of a store', () => {
  const places = postgresPlaces();
  const start = members(places);

  const exchangeOf = ({ outbox }: Member): Exchange => {
    if (outbox.exchange === undefined) throw new Error('there is no exchange');
    return outbox.exchange;
  };

  it('read what others have written, in order, once, and not their own', async () => {
    const schema = places.newSchema();
    const [a, b, c] = [
      exchangeOf(await start(schema, [], { recordings: BOUNDS }, { member: 'a' })),
      exchangeOf(await start(schema, [], { recordings: BOUNDS }, { member: 'b' })),
      exchangeOf(await start(schema, [], { recordings: BOUNDS }, { member: 'c' })),
    ];
    await a.write(['"a 1"', '"a 2"']);
    await b.write(['"Zoë \\u0000 😀"']);
    const first = await c.read();
    expect(first.isCut).toBe(false);
    expect(first.entries.filter((text) => text.startsWith('"a'))).toEqual(['"a 1"', '"a 2"']);
    expect(first.entries).toContain('"Zoë \\u0000 😀"');
    expect(first.entries).toHaveLength(3);
    await a.write(['"a 3"']);
    expect((await c.read()).entries).toEqual(['"a 3"']);
    expect((await a.read()).entries).toHaveLength(1);
    expect((await c.read()).entries).toEqual([]);
  });

  it('read many entries page by page, without a gap', async () => {
    const schema = places.newSchema();
    const many = { recordings: { ...BOUNDS, max: 10_000 } };
    const [a, b] = [
      exchangeOf(await start(schema, [], many)),
      exchangeOf(await start(schema, [], many)),
    ];
    const texts = Array.from({ length: 1_200 }, (_, at) => String(at));
    await a.write(texts.slice(0, 700));
    await a.write(texts.slice(700));
    const read: string[] = [];
    for (let isCut = true; isCut; ) {
      const page = await b.read();
      read.push(...page.entries);
      ({ isCut } = page);
    }
    expect(read).toEqual(texts);
  });

  it('hear at once that another wants to see what they record', async () => {
    const schema = places.newSchema();
    const [a, b] = [
      exchangeOf(await start(schema, [], { recordings: BOUNDS })),
      exchangeOf(await start(schema, [], { recordings: BOUNDS })),
    ];
    expect(a.isWatched).toBe(false);
    const heard = new Promise<void>((resolve) => a.onWatched(resolve));
    await b.watch();
    await heard;
    expect(a.isWatched).toBe(true);
    expect(b.isWatched).toBe(false);
  });

  it('keep the newest within the bounds', async () => {
    const schema = places.newSchema();
    const { outbox } = await start(schema, [], { recordings: BOUNDS });
    const exchange = exchangeOf({ outbox, lines: [] });
    await exchange.write(Array.from({ length: 10 }, (_, at) => `"${at}"`));
    const left = async (bounds: Partial<typeof BOUNDS>): Promise<unknown[]> => {
      const session = {
        run: (text: { text: string } | string, values: unknown[] = []) =>
          places.query(typeof text === 'string' ? text : text.text, values),
      };
      await boundExchange(session as never, schema, { ...BOUNDS, ...bounds });
      const rows = await places.query(`SELECT entry FROM ${schema}.recording ORDER BY number`);
      return rows.map(({ entry }) => entry);
    };
    expect(await left({})).toHaveLength(10);
    expect(await left({ max: 4 })).toEqual(['"6"', '"7"', '"8"', '"9"']);
    expect(await left({ size: 7 })).toEqual(['"8"', '"9"']);
    await systemClock.sleep(2);
    expect(await left({ keep: 1 })).toEqual([]);
  });

  it('tell each other nothing with a bound of none', async () => {
    const none = { recordings: { ...BOUNDS, max: 0 } };
    expect((await start(places.newSchema(), [], none)).outbox.exchange).toBeUndefined();
  });
});
