import { describe, expect, it } from 'vitest';
import { openEnvelope, readEnvelope } from '../../src/decode/envelope.js';
import { refusalOf } from './refusal.js';

function headersOf(headers: Record<string, string>) {
  return (name: string) => headers[name];
}

function single(envelope: unknown) {
  return headersOf({ 'x-trackbridge-event': `1/1;${JSON.stringify(envelope)};` });
}

function open(envelope: unknown, query: string) {
  const read = readEnvelope(single(envelope));
  if (read === undefined) throw new Error('no envelope was found');
  return openEnvelope(read, query);
}

const damaged = expect.objectContaining({ code: 'QUERY_MALFORMED', status: 400 });

describe('reading an envelope', () => {
  it('finds none where no header is', () => {
    expect(readEnvelope(headersOf({}))).toBeUndefined();
  });

  it('joins numbered headers, blanks at their seams included', () => {
    const read = readEnvelope(
      headersOf({
        'x-trackbridge-event-1': '1/3;{"v":1,"event":{"name":"a ;',
        'x-trackbridge-event-2': '2/3; ; b;',
        'x-trackbridge-event-3': '3/3;"}};',
      }),
    );
    expect(read).toEqual({ event: { name: 'a  ; b' } });
  });

  it.each([
    ['header 1 is missing', { 'x-trackbridge-event-2': '2/2;x;' }],
    [
      'header 2 of 3 is missing',
      { 'x-trackbridge-event-1': '1/3;x;', 'x-trackbridge-event-3': '3/3;x;' },
    ],
    ['header 1 was changed on the way', { 'x-trackbridge-event': '{"v":1}' }],
    ['header 1 was changed on the way', { 'x-trackbridge-event': '1/1;{"v":1' }],
    ['header 1 was changed on the way', { 'x-trackbridge-event': '2/2;x;' }],
    [
      'header 2 was changed on the way',
      { 'x-trackbridge-event-1': '1/2;x;', 'x-trackbridge-event-2': '2/3;x;' },
    ],
    ['header 2 of 9999 is missing', { 'x-trackbridge-event': '1/9999;x;' }],
    ['it is not JSON', { 'x-trackbridge-event': '1/1;{"v":1;' }],
    ['it contains no event', { 'x-trackbridge-event': '1/1;[];' }],
    ['it contains no event', { 'x-trackbridge-event': '1/1;{"v":1,"event":[]};' }],
  ])('answers 400 that %s', (what, headers) => {
    const read = () => readEnvelope(headersOf(headers as Record<string, string>));
    expect(read).toThrow(damaged);
    expect(read).toThrow(`the envelope is damaged: ${what}; a proxy may have cut it`);
  });

  it('answers 400 where the version is not known, and says what to do', () => {
    expect(() => readEnvelope(single({ v: 2, event: {} }))).toThrow(damaged);
    expect(() => readEnvelope(single({ v: 2, event: {} }))).toThrow(/paste it again/);
  });

  it('answers 400 where it is nested deeper than a body may be', () => {
    const refused = expect.objectContaining({ code: 'LIMIT_EXCEEDED', status: 400 });
    const nested = (levels: number) =>
      JSON.parse('['.repeat(levels) + ']'.repeat(levels)) as unknown;
    expect(open({ v: 1, event: {}, properties: nested(99) }, '').event).toHaveProperty(
      'properties',
    );
    expect(() => open({ v: 1, event: {}, properties: nested(100) }, '')).toThrow(refused);
    const text = `1/1;{"v":1,"event":${'['.repeat(100_000)}${']'.repeat(100_000)}};`;
    expect(() => readEnvelope(headersOf({ 'x-trackbridge-event': text }))).toThrow(refused);
  });

  it('keeps what it holds to itself where it is no JSON: a cause would be logged', () => {
    const text = '1/1;{"v":1,"event":{"email":jane@example.com}};';
    const refusal = refusalOf(() => readEnvelope(headersOf({ 'x-trackbridge-event': text })));
    expect(refusal.cause).toBeUndefined();
    expect(refusal.message).not.toContain('jane');
  });

  it('drops what would reach a prototype', () => {
    const text =
      '{"v":1,"event":{"__proto__":{"polluted":1},"type":"track"},"properties":{"__proto__":"s","constructor":{"prototype":"s"},"a":"s"}}';
    const read = readEnvelope(headersOf({ 'x-trackbridge-event': `1/1;${text};` }));
    if (read === undefined) throw new Error('no envelope was found');
    const { event } = openEnvelope(read, 'a=1&__proto__=2&constructor.prototype=3');
    expect(event).toEqual({ type: 'track', properties: { a: '1' } });
    expect(event).not.toHaveProperty('polluted');
  });
});

describe('opening an envelope', () => {
  const envelope = {
    v: 1,
    event: { type: 'track', messageId: 'm-1' },
    properties: {
      s: 's',
      n: 'n',
      list: ['s', 'n', null],
      yes: true,
      none: null,
      eo: {},
      ea: [],
      'a.b': '=s',
    },
  };

  it('fills the shape with the values of the query', () => {
    const query = 's=7&n=9.466052e%2B06&list[0]=true&list[1]=1&list[2]=%3Cnil%3E&yes=true&ea=[]';
    expect(open(envelope, query)).toEqual({
      event: {
        type: 'track',
        messageId: 'm-1',
        properties: {
          s: '7',
          n: 9_466_052,
          list: ['true', 1, null],
          yes: true,
          none: null,
          eo: {},
          ea: [],
          'a.b': 's',
        },
      },
      collisions: [],
    });
  });

  it("takes the last of a repeated parameter, and none that is only the URL's own", () => {
    const query = 's=rudder&s=ev&src=rudder&n=1&list[0]=a&list[1]=2';
    const { event, collisions } = open(envelope, query);
    expect(event['properties']).toMatchObject({ s: 'ev' });
    expect(event['properties']).not.toHaveProperty('src');
    expect(collisions).toEqual([]);
  });

  it('leaves out what the query lacks, and lists it', () => {
    const { event, collisions } = open(envelope, 'n=many&list[1]=1');
    expect(event['properties']).toMatchObject({ n: 'many', list: [null, 1, null] });
    expect(event['properties']).not.toHaveProperty('s');
    expect(collisions).toEqual(['s', 'n', 'list[0]']);
  });

  it('ignores the query where it carries nothing', () => {
    const bare = { v: 1, event: { type: 'group', traits: { name: 'Acme' } } };
    expect(open(bare, 'src=rudder&broken=%').event).toEqual(bare.event);
  });

  it('keeps the digits of ids that a double cannot hold', () => {
    const text = `1/1;{"v":1,"event":{"userId":9007199254740993,"n":9007199254740993}};`;
    expect(readEnvelope(headersOf({ 'x-trackbridge-event': text }))?.event).toEqual({
      userId: '9007199254740993',
      n: 9007199254740992,
    });
  });

  it('answers 400 where the names in it are far longer than the query', () => {
    const names = Array.from({ length: 5_000 }, (_, index) => [`n${index}`, 's']);
    const properties = { ['x'.repeat(100_000)]: Object.fromEntries(names) };
    expect(() => open({ v: 1, event: {}, properties }, 'a=1')).toThrow(damaged);
    // A query that a proxy has emptied is no such.
    const { collisions } = open({ v: 1, event: {}, properties: Object.fromEntries(names) }, '');
    expect(collisions).toHaveLength(5_000);
  });

  it('allows names of a million characters more than four times the query', () => {
    const properties = (length: number) => ({ ['x'.repeat(length)]: 's' });
    expect(
      open({ v: 1, event: {}, properties: properties(1_000_012) }, 'a=1').collisions,
    ).toHaveLength(1);
    expect(() => open({ v: 1, event: {}, properties: properties(1_000_013) }, 'a=1')).toThrow(
      damaged,
    );
  });

  it('answers 400 where the shape or the query is broken', () => {
    expect(() => open({ v: 1, event: {}, properties: { a: 'q' } }, 'a=1')).toThrow(damaged);
    expect(() => open(envelope, 's=%')).toThrow(damaged);
  });
});
