import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.js';
import type { Row } from '../../../src/sinks/postgres/rows/builder.js';
import { createRows, type RowOptions } from '../../../src/sinks/postgres/rows/rows.js';
import { sinkEvent } from '../events.js';

const OPTIONS: RowOptions = {
  underscoreDivideNumbers: false,
  underscoreLeadingDigit: false,
  allowUsersContextTraits: false,
  skipUsersTable: false,
  skipTracksTable: false,
  jsonPaths: [],
};
const { receipt } = sinkEvent('').event;

/** The rows of an event of RudderStack, by table. */
function rowsOf(fields: JsonObject, options: Partial<RowOptions> = {}): Map<string, Row> {
  const of = { ...receipt, vendor: 'rudderstack' } as const;
  const { event } = sinkEvent('m-1', { receipt: of, ...fields });
  return new Map(createRows({ ...OPTIONS, ...options })(event).map((row) => [row.table, row]));
}
const valuesOf = (row: Row | undefined): Record<string, unknown> => ({
  ...Object.fromEntries(row?.values ?? []),
  ...Object.fromEntries(row?.json ?? []),
});

// What RudderStack's transformer (August 2026) makes of the same events.
describe('postgres: the rows of an event of RudderStack', () => {
  it('tell the address that was sent from that of the connection', () => {
    const sent = rowsOf({ context: { ip: '1.2.3.4' }, request_ip: '9.8.7.6:4711' });
    expect(valuesOf(sent.get('tracks'))).toMatchObject({
      context_ip: '1.2.3.4',
      context_passed_ip: '1.2.3.4',
      context_request_ip: '9.8.7.6:4711',
    });
    const filledIn = rowsOf({ context: { ip: '9.8.7.6' }, request_ip: '9.8.7.6:4711' });
    expect(valuesOf(filledIn.get('tracks'))).not.toHaveProperty('context_passed_ip');
  });

  it('have the times of the event in users, and keep their names from traits', () => {
    const users = rowsOf({
      type: 'identify',
      traits: { timestamp: 'mine', plan: 'pro' },
      sentAt: '2026-01-02T03:04:05.678Z',
      originalTimestamp: '2026-01-02T03:04:05.100Z',
    }).get('users');
    expect(valuesOf(users)).toMatchObject({
      sent_at: '2026-01-02T03:04:05.678Z',
      timestamp: '2026-01-02T03:04:05.000Z',
      original_timestamp: '2026-01-02T03:04:05.100Z',
      plan: 'pro',
    });
    expect(users?.other).toEqual({ timestamp: 'mine' });
  });

  it('give a column to the last of several values, and keep the others', () => {
    const own = rowsOf({ properties: { orderId: 1, order_id: 2, 'Order ID': 3 } }).get(
      'order_completed',
    );
    expect(valuesOf(own)).toMatchObject({ order_id: 3 });
    expect(own?.other).toEqual({ orderId: 1, order_id: 2 });
  });

  it('have userProperties, and context before properties', () => {
    const own = rowsOf({
      properties: { plan: 'free', context_library: 'mine' },
      userProperties: { plan: 'pro' },
      context: { library: 'js' },
    }).get('order_completed');
    expect(valuesOf(own)).toMatchObject({ plan: 'pro', context_library: 'js' });
    expect(own?.other).toEqual({ plan: 'free', context_library: 'mine' });
  });

  it('leave out empty text and empty arrays, not null in an array', () => {
    const own = rowsOf({ properties: { a: '', b: [], c: [''], d: [null] } }).get('order_completed');
    expect(valuesOf(own)).not.toHaveProperty('a');
    expect(valuesOf(own)).not.toHaveProperty('b');
    expect(valuesOf(own)).not.toHaveProperty('c');
    expect(valuesOf(own)).toHaveProperty('d', '[null]');
  });

  it('have one JSON column for a path that the options or the event name', () => {
    const properties = { cart: { items: [1] }, deep: { cart: 1 } };
    const byOptions = rowsOf({ properties }, { jsonPaths: [' cart ', 'track.properties.deep'] });
    expect(byOptions.get('order_completed')?.json).toEqual(
      new Map<string, unknown>([
        ['cart', { items: [1] }],
        ['deep', { cart: 1 }],
      ]),
    );
    const integrations = { POSTGRES: { options: { jsonPaths: ['cart.items'] } } };
    const byEvent = rowsOf({ properties, integrations });
    expect(byEvent.get('order_completed')?.json).toEqual(new Map([['cart_items', [1]]]));
    expect(
      rowsOf({ type: 'page', properties }, { jsonPaths: ['cart'] }).get('pages')?.json,
    ).toEqual(new Map());
  });

  it('leave out tables as the options or the event say, but no event', () => {
    const identify = { type: 'identify', traits: {} };
    expect([...rowsOf(identify, { skipUsersTable: true }).keys()]).toEqual(['identifies']);
    expect([...rowsOf({}, { skipTracksTable: true }).keys()]).toEqual(['order_completed']);
    expect([...rowsOf({ event: '東京' }, { skipTracksTable: true }).keys()]).toEqual(['tracks']);
    const integrations = { POSTGRES: { options: { skipUsersTable: true, skipTracksTable: true } } };
    expect([...rowsOf({ integrations }).keys()]).toEqual(['order_completed']);
    expect([...rowsOf({ ...identify, integrations }).keys()]).toEqual(['identifies']);
  });

  it('have the traits of the context and the source by option', () => {
    const fields = { type: 'identify', traits: {}, context: { traits: { plan: 'pro' } } };
    expect(valuesOf(rowsOf(fields).get('users'))).not.toHaveProperty('plan');
    const users = rowsOf(fields, {
      allowUsersContextTraits: true,
      sourceInfo: { sourceId: 's-1', destinationType: 'POSTGRES' },
    }).get('users');
    expect(valuesOf(users)).toMatchObject({
      plan: 'pro',
      context_traits_plan: 'pro',
      context_source_id: 's-1',
      context_destination_type: 'POSTGRES',
    });
  });

  it('ignore what an event of Segment says in integrations.POSTGRES', () => {
    const integrations = { POSTGRES: { options: { skipTracksTable: true } } };
    const { event } = sinkEvent('m-1', { integrations });
    expect(createRows(OPTIONS)(event).map(({ table }) => table)).toEqual([
      'tracks',
      'order_completed',
    ]);
  });
});
