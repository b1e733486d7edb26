import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeliverySummary } from '../../../src/workbench/inspect/record.js';
import { announcementOf } from '../../../src/workbench/inspector/page/announce.js';
import { merged, withAttempts } from '../../../src/workbench/inspector/page/data/deliveries.js';
import { createStreamReader } from '../../../src/workbench/inspector/page/data/event-stream.js';
import { bytesOf, hexLines } from '../../../src/workbench/inspector/page/deliveries/detail/hex.js';
import {
  choicesIn,
  filtered,
  NO_FILTERS,
} from '../../../src/workbench/inspector/page/deliveries/filters.js';
import { windowOf } from '../../../src/workbench/inspector/page/deliveries/list-window.js';
import { deliveryBadge } from '../../../src/workbench/inspector/page/parts/badges.js';
import { differences } from '../../../src/workbench/inspector/page/parts/diff.js';
import {
  countOf,
  durationOf,
  numberOf,
  sizeOf,
} from '../../../src/workbench/inspector/page/parts/format.js';
import {
  jsonLines,
  violationsByLine,
} from '../../../src/workbench/inspector/page/parts/json-lines.js';
import { visible, visibleParts } from '../../../src/workbench/inspector/page/parts/visible.js';
import { hashOf, routeOf, tokenIn } from '../../../src/workbench/inspector/page/route.js';
import { recordOf, summaryOf, trackEvent } from './samples.js';

const delivery = (id: string, more: Partial<DeliverySummary> = {}): DeliverySummary => ({
  ...summaryOf(recordOf({ id })),
  at: `2026-11-21T06:00:0${id}.000Z`,
  ...more,
});

describe('the difference of two JSON values', () => {
  it('names what was added, removed and changed, by JSON pointer', () => {
    const before = { a: 1, 'b/c': { d: [1, 2] }, gone: null, same: { x: [{}] } };
    const after = { same: { x: [{}] }, a: '1', 'b/c': { d: [1, 3, 4] }, new: false };
    expect(differences(before, after)).toEqual([
      { kind: 'changed', path: '/a', before: 1, after: '1' },
      { kind: 'changed', path: '/b~1c/d/1', before: 2, after: 3 },
      { kind: 'added', path: '/b~1c/d/2', after: 4 },
      { kind: 'removed', path: '/gone', before: null },
      { kind: 'added', path: '/new', after: false },
    ]);
  });

  it('takes an object for another than an array or nothing', () => {
    expect(differences({ 0: 1 }, [1])).toEqual([
      { kind: 'changed', path: '', before: { 0: 1 }, after: [1] },
    ]);
    expect(differences(null, {})).toHaveLength(1);
  });

  it('finds nothing between equal values, and something between others', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const [left, right] = [one, other].map((each) => JSON.parse(JSON.stringify(each)));
        expect(differences(left, structuredClone(left))).toEqual([]);
        const isSame = sorted(left) === sorted(right);
        expect(differences(left, right).length === 0).toBe(isSame);
      }),
    );
  });
});

/** JSON text whose members are in the order of their names. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

describe('a hex dump', () => {
  it('has offsets, digits, printable characters and marks', () => {
    const bytes = bytesOf(Buffer.from('{"a":"é"}\n plus one line').toString('base64'));
    const lines = hexLines(bytes, { from: 0, to: bytes.length }, { from: 1, to: 3 }, 16);
    expect(lines.map(({ offset }) => offset)).toEqual(['00000000', '00000010']);
    expect(lines[0]?.cells.map(({ hex }) => hex).join('')).toBe('7b2261223a22c3a9227d0a20706c7573');
    expect(lines[0]?.cells.map(({ ascii }) => ascii).join('')).toBe('{"a":".."}. plus');
    expect(lines[0]?.cells.flatMap(({ marked }, at) => (marked ? [at] : []))).toEqual([1, 2]);
  });

  it('shows a part, no further than there are bytes', () => {
    const lines = hexLines(new Uint8Array(40), { from: 16, to: 64 }, undefined, 16);
    expect(lines.map(({ offset, cells }) => [offset, cells.length])).toEqual([
      ['00000010', 16],
      ['00000020', 8],
    ]);
  });
});

describe('what cannot be seen', () => {
  it('stands as an escape', () => {
    expect(visible('a\u202eb\u0000\u001b[31m\u200b\u00a0\ufeff\u{e0041}\ud800')).toBe(
      'a\\u202eb\\u0000\\u001b[31m\\u200b\\u00a0\\ufeff\\u{e0041}\\ud800',
    );
    expect(visible('plain ünïcode 漢字 😀')).toBe('plain ünïcode 漢字 😀');
    expect(visible('one\ntwo\r')).toBe('one\\ntwo\\r');
  });

  it('is told from the same letters in the text', () => {
    expect(visibleParts('\\u202e\u202e')).toEqual([
      { text: '\\u202e', escaped: false },
      { text: '\\u202e', escaped: true },
    ]);
    expect(visibleParts('one\ntwo', 'lines')).toEqual([{ text: 'one\ntwo', escaped: false }]);
  });
});

describe('the list', () => {
  const two = [delivery('2'), delivery('1')];

  it('has each delivery once, newest first, whichever way it came', () => {
    const ids = (list: readonly DeliverySummary[]): string => list.map(({ id }) => id).join('');
    expect(ids(merged(two, [delivery('3'), delivery('4')]))).toBe('4321');
    expect(ids(merged([delivery('4'), delivery('2')], [delivery('3'), delivery('2')]))).toBe('432');
    expect(merged(two, [])).toBe(two);
    expect(merged(two, [delivery('2', { status: 503 })])[0]?.status).toBe(503);
  });

  it('keeps 5,000 and lets the oldest go', () => {
    const many = Array.from({ length: 5_001 }, (_, index) =>
      delivery('1', { id: `d-${index}`, at: new Date(index).toISOString() }),
    );
    const kept = merged([], many);
    expect([kept.length, kept[0]?.id, kept.at(-1)?.id]).toEqual([5_000, 'd-5000', 'd-1']);
  });

  it('counts what sinks have done since', () => {
    const sink = { sink: 's', delivered: 0, failed: 0, pending: 3, skipped: 0, dead: 0 };
    const attempt = { deliveryId: '1', at: '', sink: 's', ms: 1 };
    const after = withAttempts(
      [delivery('1', { sinks: [sink] })],
      [
        { ...attempt, eventIds: ['1', '2', '3'], outcome: 'transient' },
        { ...attempt, eventIds: ['1', '2'], outcome: 'delivered' },
        { ...attempt, eventIds: ['3'], outcome: 'permanent' },
        { ...attempt, sink: 'other', eventIds: ['3'], outcome: 'delivered' },
        { ...attempt, deliveryId: 'unknown', eventIds: ['9'], outcome: 'delivered' },
      ],
    );
    expect(after[0]?.sinks).toEqual([{ ...sink, delivered: 2, pending: 0, dead: 1 }]);
  });

  it('is narrowed by source, outcome, type and every word of a text', () => {
    const all = [
      delivery('1', {
        source: 'a',
        first: { type: 'track', event: 'Order Completed', user: 'u-1' },
      }),
      delivery('2', { source: 'b', status: 401, outcome: 'unauthenticated', detail: 'No Match' }),
      delivery('3', { source: 'a', accepted: 1, quarantined: 2, first: { type: 'page' } }),
    ];
    const ids = (filters: object): string =>
      filtered(all, { ...NO_FILTERS, ...filters })
        .map(({ id }) => id)
        .join('');
    expect(ids({})).toBe('123');
    expect(ids({ source: 'a' })).toBe('13');
    expect(ids({ outcome: 'refused' })).toBe('2');
    expect(ids({ outcome: 'accepted' })).toBe('13');
    expect(ids({ outcome: 'quarantined' })).toBe('3');
    expect(ids({ type: 'page' })).toBe('3');
    expect(ids({ text: '  order U-1 ' })).toBe('1');
    expect(ids({ text: 'no match' })).toBe('2');
    expect(choicesIn(all)).toEqual({
      sources: ['a', 'b'],
      outcomes: ['accepted', 'quarantined', 'refused', 'unauthenticated'],
      types: ['page', 'track'],
    });
  });

  // Its value would be that of all sources, and the field would have no text.
  it('has no choice for deliveries that came to no source', () => {
    const all = [delivery('1', { source: 'a' }), delivery('2', { source: '' })];
    expect(choicesIn(all).sources).toEqual(['a']);
  });

  it('puts only the rows in sight on the page', () => {
    expect(windowOf(10_000, 30, 30_000, 600)).toEqual({
      from: 988,
      to: 1032,
      above: 988 * 30,
      below: (10_000 - 1032) * 30,
    });
    expect(windowOf(3, 30, 0, 600)).toEqual({ from: 0, to: 3, above: 0, below: 0 });
    expect(windowOf(3, 30, 9_000, 600).below).toBe(0);
  });

  it('says what became of a delivery', () => {
    const label = (more: Partial<DeliverySummary>): string =>
      deliveryBadge(delivery('1', { accepted: 0, ...more })).label;
    expect(label({ accepted: 1 })).toBe('accepted');
    expect(label({ duplicates: 1 })).toBe('duplicate');
    expect(label({ accepted: 3, quarantined: 1 })).toBe('3 accepted, 1 quarantined');
    expect(label({ status: 429, outcome: 'rate_limited' })).toBe('rate limited');
    expect(label({ outcome: 'accepted' })).toBe('accepted');
  });

  it('says to who cannot see it what has come', () => {
    expect(announcementOf([delivery('1')])).toBe(
      'New delivery from segment: Order Completed, accepted.',
    );
    expect(announcementOf([delivery('1'), delivery('2', { status: 401 })])).toBe(
      '2 new deliveries, 1 of them refused.',
    );
  });
});

describe('the live stream', () => {
  it('is read however it is cut', () => {
    const text =
      ': hello\r\nevent: a\ndata: 1\ndata:2\n\nid: 7\ndata: {"x":"é"}\n\nevent: none\n\n';
    const whole = [
      { name: 'a', data: '1\n2' },
      { name: 'message', data: '{"x":"é"}' },
    ];
    expect(createStreamReader()(text)).toEqual(whole);
    const read = createStreamReader();
    expect([...text].flatMap((character) => read(character))).toEqual(whole);
  });

  it('is broken where an event has no end', () => {
    const read = createStreamReader();
    expect(() => read('x'.repeat(17_000_000))).toThrow(RangeError);
  });
});

describe('JSON in lines', () => {
  it('is laid out as JSON.stringify does', () => {
    const value = trackEvent({ empty: {}, none: [], deep: [[1, [true, null]]] });
    const text = jsonLines(JSON.parse(JSON.stringify(value)))
      .map(({ depth, tokens }) => '  '.repeat(depth) + tokens.map((token) => token.text).join(''))
      .join('\n');
    expect(text).toBe(JSON.stringify(value, undefined, 2));
  });

  it('has what is wrong on the line it is about, or on the nearest around it', () => {
    const lines = jsonLines({ a: { 'b/c': [1, 2] } });
    const violations = [
      { path: '/a/b~1c/1', message: 'on it' },
      { path: '/a/b~1c/7/x', message: 'around it' },
      { path: '/event', message: 'of the whole' },
    ];
    const found = [...violationsByLine(lines, violations)].map(([line, [first]]) => [
      line,
      first?.message,
    ]);
    expect(found).toEqual([
      [4, 'on it'],
      [2, 'around it'],
      [0, 'of the whole'],
    ]);
  });
});

describe('addresses', () => {
  it('lead to a part of the page and an entry of it, and back', () => {
    for (const route of [
      { place: 'deliveries' },
      { place: 'deliveries', id: '0193-a/b?c#d%' },
      { place: 'dead-letters', id: '7' },
    ] as const) {
      expect(routeOf(hashOf(route))).toEqual(route);
    }
    expect(routeOf('')).toEqual({ place: 'deliveries' });
    expect(routeOf('#/nonsense/1')).toEqual({ place: 'deliveries' });
    expect(routeOf('#/deliveries/%')).toEqual({ place: 'deliveries', id: '%' });
  });

  it('may bring a token', () => {
    expect(tokenIn('#token=a%26b')).toBe('a&b');
    expect(tokenIn('#/deliveries')).toBeUndefined();
  });
});

describe('numbers for people', () => {
  it('have the digits that count', () => {
    expect(
      [0.04, 3.44, 12.6, 999, 1_000, 61_000, 7_200_000, 1_000_000_000].map(durationOf),
    ).toEqual(['0 ms', '3.4 ms', '13 ms', '999 ms', '1 s', '1 min', '2 h', '12 d']);
    expect([812, 4_100, 2_340_000].map(sizeOf)).toEqual(['812 B', '4.1 kB', '2.3 MB']);
    expect(numberOf(1_234_567)).toBe('1,234,567');
    expect([countOf(1, 'event'), countOf(2, 'delivery', 'deliveries')]).toEqual([
      '1 event',
      '2 deliveries',
    ]);
  });
});
