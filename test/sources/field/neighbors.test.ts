import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CanonicalEvent } from '../../../src/event/event.js';
import { FieldReceiver, type FieldRequest } from './receiver.js';

/** The sources that take events with ids of their own, each where it takes any event. */
const SOURCES = {
  segment: { source: { type: 'segment', verify: { scheme: 'none' } }, path: '' },
  rudderstack: { source: { type: 'rudderstack', verify: { scheme: 'none' } }, path: '/any/path' },
  'tracking-api segment': {
    source: { type: 'tracking-api', dialect: 'segment', writeKeys: ['WK'] },
    path: '/v1/batch',
  },
  'tracking-api rudderstack': {
    source: { type: 'tracking-api', dialect: 'rudderstack', writeKeys: ['WK'] },
    path: '/v1/batch',
  },
} as const;
const names = Object.keys(SOURCES) as (keyof typeof SOURCES)[];
const receivers = new Map<string, FieldReceiver>();

beforeAll(async () => {
  for (const name of names) receivers.set(name, await FieldReceiver.start(SOURCES[name].source));
  const untyped = { as: 'track', event: 'Row' };
  receivers.set(
    'rows',
    await FieldReceiver.start({ ...SOURCES.rudderstack.source, extraTypes: ['merge'], untyped }),
  );
});
afterAll(async () => {
  for (const receiver of receivers.values()) await receiver.stop();
});

async function eventsOf(
  name: string,
  request: Partial<FieldRequest>,
): Promise<readonly CanonicalEvent[]> {
  const receiver = receivers.get(name);
  if (receiver === undefined) throw new Error(`there is no receiver ${name}`);
  return (await receiver.send({ method: 'POST', contentType: 'application/json', ...request }))
    .events;
}

function batch(name: keyof typeof SOURCES, events: readonly string[]): Partial<FieldRequest> {
  return { path: SOURCES[name].path, body: `{"batch":[${events.join(',')}]}` };
}

describe.each(names)('a %s source', (name) => {
  const digits = [
    '9007199254740993',
    '9007199254740995',
    '12345678901234567890',
    '-18014398509481985',
  ];

  it.each(['userId', 'anonymousId', 'groupId', 'previousId', 'messageId'])(
    'keeps the digits of %s beyond 2^53',
    async (field) => {
      const events = digits.map(
        (id) => `{"type":"group","userId":"u","anonymousId":"a","groupId":"g","${field}" : ${id}}`,
      );
      const kept = await eventsOf(name, batch(name, events));
      // Events of different users reach a sink in any order.
      expect(kept.map((event) => event[field]).sort()).toEqual([...digits].sort());
    },
  );

  it('gives every event without a visible messageId one of its own', async () => {
    const blanks = [
      '',
      ' ',
      '\t',
      '\u00a0',
      '\u2003\u3000',
      '\u200b\u200d',
      '\u034f',
      '\u115f',
      '\u2800',
      '\ufeff',
      '\u{e0001}',
    ];
    const events = [...blanks, ...blanks].map((messageId) =>
      JSON.stringify({ type: 'track', event: 'E', userId: 'u', messageId }),
    );
    const kept = await eventsOf(name, batch(name, events));
    expect(new Set(kept.map(({ messageId }) => messageId)).size).toBe(events.length);
    for (const { messageId, receipt } of kept) {
      expect(messageId).toMatch(/^[0-9a-f-]{36}$/);
      expect(receipt.messageIdGenerated).toBe(true);
    }
  });

  it('takes null and an empty array for an empty object', async () => {
    for (const nothing of ['null', '[]']) {
      const event = `{"type":"track","event":"E","userId":"u","properties":${nothing},"context":${nothing},"integrations":${nothing},"traits":${nothing}}`;
      const [kept] = await eventsOf(name, batch(name, [event]));
      expect(kept).toMatchObject({ properties: {}, traits: {}, integrations: {} });
      expect(Array.isArray(kept?.context)).toBe(false);
    }
  });

  it('takes numbers and booleans for names, and booleans for no ids', async () => {
    const events = [
      '{"type":"track","event":0,"userId":true,"anonymousId":"a"}',
      '{"type":"track","event":false,"userId":"u","anonymousId":false}',
      '{"type":"page","name":404,"category":1.5,"userId":"u","groupId":true}',
    ];
    const [zero, no, page] = await eventsOf(name, batch(name, events));
    expect(zero).toMatchObject({ event: '0', anonymousId: 'a' });
    expect(zero).not.toHaveProperty('userId');
    expect(no).toMatchObject({ event: 'false', userId: 'u' });
    expect(no).not.toHaveProperty('anonymousId');
    expect(page).toMatchObject({ name: '404', category: '1.5' });
    expect(page).not.toHaveProperty('groupId');
  });

  it.each([
    ['Thu, 01 Jan 2015 00:00:00 -0500', '2015-01-01T05:00:00.000Z'],
    ['2015/1/1 05:00:00', '2015-01-01T05:00:00.000Z'],
    ['1 January 2015 5:00 am', '2015-01-01T05:00:00.000Z'],
    ['1420088400', '2015-01-01T05:00:00.000Z'],
    ['2015-01-01 05:00:00.5 +0000 UTC', '2015-01-01T05:00:00.500Z'],
  ])('reads the time %s', async (timestamp, expected) => {
    const event = JSON.stringify({ type: 'track', event: 'E', userId: 'u', timestamp });
    const [kept] = await eventsOf(name, batch(name, [event]));
    expect(kept?.timestamp).toBe(expected);
    expect(kept?.receipt.unreadable).toBeUndefined();
  });

  it.each(['2023-02-29', '31/12/2023', '04/05/2023', 'tomorrow', '24:00', '2023-01-01T12:60:00Z'])(
    'says that it cannot read the time %s',
    async (timestamp) => {
      const event = JSON.stringify({ type: 'track', event: 'E', userId: 'u', timestamp });
      const [kept] = await eventsOf(name, batch(name, [event]));
      expect(kept?.receipt.unreadable).toEqual({ timestamp });
    },
  );

  it('takes a batch of 2,500 events of 43 keys', async () => {
    const properties = Object.fromEntries(Array.from({ length: 38 }, (_, at) => [`key${at}`, at]));
    const events = Array.from({ length: 2_500 }, (_, at) =>
      JSON.stringify({ type: 'track', event: `E${at}`, userId: 'u', anonymousId: 'a', properties }),
    );
    expect(await eventsOf(name, batch(name, events))).toHaveLength(2_500);
  });
});

describe.each(['segment', 'rudderstack'] as const)('a %s source, whatever the labels', (name) => {
  const bodies = {
    'application/x-www-form-urlencoded': 'type=track&event=Order+Completed&userId=u',
    'application/json': '{"type":"track","event":"Order Completed","userId":"u"}',
    'application/xml': '<r><type>track</type><event>Order Completed</event><userId>u</userId></r>',
    'multipart/form-data; boundary=b':
      '--b\r\nContent-Disposition: form-data; name="type"\r\n\r\ntrack\r\n--b\r\nContent-Disposition: form-data; name="event"\r\n\r\nOrder Completed\r\n--b\r\nContent-Disposition: form-data; name="userId"\r\n\r\nu\r\n--b--',
  };
  it.each(Object.entries(bodies))(
    'reads what is labelled right, beside others: %s',
    async (_, body) => {
      const labels = Object.keys(bodies);
      for (const [at, first] of labels.entries()) {
        const second = labels[(at + 1) % labels.length] ?? '';
        const headers = [
          ['Content-Type', first],
          ['content-type', second],
        ] as const;
        const [kept] = await eventsOf(name, { method: 'PUT', contentType: '', headers, body });
        expect(kept).toMatchObject({ type: 'track', event: 'Order Completed', userId: 'u' });
      }
    },
  );
});

describe('rows', () => {
  it.each([
    ['{"userId":9007199254740993,"x":1}', { userId: '9007199254740993' }],
    ['{"type":null,"anonymousId":5,"x":1}', { anonymousId: '5' }],
    [
      '{"type":7,"groupId":{"id":1}}',
      { groupId: '{"id":1}', properties: { type: 7, groupId: { id: 1 } } },
    ],
    ['{"type":"Gold","userId":false}', { properties: { type: 'Gold', userId: false } }],
    ['[{"type":"silver"}]', { properties: { type: 'silver' } }],
  ])('become events with their ids: %s', async (body, expected) => {
    const [kept] = await eventsOf('rows', { path: '/table', body });
    expect(kept).toMatchObject({ type: 'track', event: 'Row', ...expected });
  });

  it.each(['page', 'PAGE', 'Merge'])('that are events stay events: %s', async (type) => {
    const [kept] = await eventsOf('rows', { body: JSON.stringify({ type, userId: 'u' }) });
    expect(kept).toMatchObject({ type: type.toLowerCase(), userId: 'u' });
    expect(kept).not.toHaveProperty('properties');
  });
});

describe('a rudderstack source', () => {
  it.each(['/a', '/a/b?c=d', '//x//y', '/tracks', '/%zz', '/a%2Fb', '/track%2Fa'])(
    'accepts a body at any path below: %s',
    async (path) => {
      for (const method of ['POST', 'PUT', 'PATCH']) {
        const [kept] = await eventsOf('rudderstack', {
          method,
          path,
          body: '{"type":"page","name":"Home"}',
        });
        expect(kept).toMatchObject({ type: 'page', name: 'Home' });
      }
      const [got] = await eventsOf('rudderstack', {
        method: 'DELETE',
        path: path.split('?')[0] ?? '',
        query: 'a=1',
      });
      expect(got).toMatchObject({ type: 'track', properties: { a: '1' } });
    },
  );

  it.each([
    ['=%5B%5D', {}],
    ['=%7B%7D&src=x', { src: 'x' }],
    ['=%3Cnil%3E', {}],
    ['a%5B1.5%5D=1', { 'a[1.5]': '1' }],
    ['a.b%5B1.5%5D.c=1', { a: { 'b[1.5]': { c: '1' } } }],
    ['=x', { '': 'x' }],
  ])('reads the query %s', async (query, properties) => {
    const [kept] = await eventsOf('rudderstack', { method: 'GET', query });
    expect(kept?.['properties']).toEqual(properties);
  });
});
