import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.js';
import { REDACTED } from '../../../src/workbench/inspect/redact.js';
import { createRedaction } from '../../../src/workbench/inspect/redact-body.js';

const JSON_TYPE = 'application/json';
const redaction = createRedaction(['context.ip', 'traits.email', 'properties.*.card'], false);
const body = (value: unknown): unknown =>
  JSON.parse(redaction.body(Buffer.from(JSON.stringify(value)), JSON_TYPE).toString());

describe('redaction of events', () => {
  it('takes the values at its paths, and no others', () => {
    const event = {
      context: { ip: '1.2.3.4', os: 'x' },
      properties: { a: { card: 1, b: 2 }, list: [{ card: [1] }], card: 3 },
    };
    expect(redaction.event(event)).toEqual({
      context: { ip: REDACTED, os: 'x' },
      properties: {
        a: { card: REDACTED, b: 2 },
        list: [{ card: [1] }],
        card: 3,
      },
    });
    expect(event.context.ip).toBe('1.2.3.4');
  });

  it('takes * for an index too', () => {
    const each = createRedaction(['properties.products.*.price'], false);
    expect(each.event({ properties: { products: [{ price: 1, id: 2 }] } })).toEqual({
      properties: { products: [{ price: REDACTED, id: 2 }] },
    });
  });

  it('takes the same value where it stands elsewhere in the event', () => {
    expect(
      redaction.event({ request_ip: '1.2.3.4:5', context: { traits: { email: 'e' } } }),
    ).toEqual({
      request_ip: REDACTED,
      context: { traits: { email: REDACTED } },
    });
    const both = createRedaction(['context.traits.email', 'timestamp'], false);
    expect(
      both.event({ traits: { email: 'e' }, receipt: { unreadable: { timestamp: 'soon' } } }),
    ).toEqual({ traits: { email: REDACTED }, receipt: { unreadable: { timestamp: REDACTED } } });
  });

  it('gives back what it does not concern', () => {
    const event = { type: 'track' };
    expect(redaction.event(event)).toBe(event);
    expect(createRedaction([], false).event(event)).toBe(event);
  });
});

describe('redaction of bodies', () => {
  const event = { type: 'identify', traits: { email: 'e@x' }, context: { ip: '1' } };
  const shown = { type: 'identify', traits: { email: REDACTED }, context: { ip: REDACTED } };

  it('finds events in batches and wrappers', () => {
    expect(body(event)).toEqual(shown);
    expect(body([event, event])).toEqual([shown, shown]);
    expect(body([{ json: event }])).toEqual([{ json: shown }]);
    expect(body({ batch: [event], context: { ip: '1' } })).toEqual({
      batch: [shown],
      context: { ip: REDACTED },
    });
  });

  it('leaves the bytes alone where there is nothing in them', () => {
    const bytes = Buffer.from('{"a" : 1.0}');
    expect(redaction.body(bytes, JSON_TYPE)).toBe(bytes);
    const empty = Buffer.alloc(0);
    expect(redaction.body(empty, JSON_TYPE)).toBe(empty);
    expect(createRedaction([], false).body(Buffer.from('<x/>'), 'text/xml').toString()).toBe(
      '<x/>',
    );
  });

  it('does not show the first of two members of one name', () => {
    const twice = '{"context":{"ip":"secret"},"context":{"os":"x"}}';
    expect(redaction.body(Buffer.from(twice), JSON_TYPE).toString()).toBe('{"context":{"os":"x"}}');
  });

  it('shows nothing of what it cannot look into', () => {
    for (const text of [
      '<event><ip>1</ip></event>',
      '{"context":{"ip":"1"',
      '--b\r\ncontent-disposition: form-data; name="context"\r\n\r\n{"ip":"1"}\r\n--b--',
      `{"a":"${'x'.repeat(1024 * 1024)}"}`,
      '['.repeat(100_000),
    ]) {
      expect(redaction.body(Buffer.from(text), 'text/plain').toString()).toBe(REDACTED);
    }
    expect(redaction.body(Buffer.from('{"a":1}', 'utf16le'), JSON_TYPE).toString()).toBe(REDACTED);
  });

  it('looks into forms: names with dots, values that are JSON, and base64', () => {
    const form = 'application/x-www-form-urlencoded';
    const text = new URLSearchParams({
      type: 'track',
      'context.ip': '1',
      'traits[email]': 'e',
      context: '{"ip":"1","os":"x"}',
      data: Buffer.from(JSON.stringify(event)).toString('base64'),
    }).toString();
    const after = new URLSearchParams(redaction.body(Buffer.from(text), form).toString());
    expect(Object.fromEntries(after)).toEqual({
      type: 'track',
      'context.ip': REDACTED,
      'traits[email]': REDACTED,
      context: JSON.stringify({ ip: REDACTED, os: 'x' }),
      data: REDACTED,
    });
  });

  it('takes the data alone, as a query and a webhook source have it', () => {
    expect(redaction.query('email=e&x=1&a.card=2&card=3')).toBe(
      `email=${REDACTED}&x=1&a.card=${REDACTED}&card=3`,
    );
    const bare = createRedaction(['properties.email'], true);
    const posted = bare.body(Buffer.from('{"email":"e","properties":1}'), JSON_TYPE);
    expect(JSON.parse(posted.toString())).toEqual({ email: REDACTED, properties: 1 });
    expect(
      bare.event({
        properties: { email: 'e' },
        context: { url: '/?email=e', query_parameters: { email: 'e' } },
      }),
    ).toEqual({
      properties: { email: REDACTED },
      context: { url: REDACTED, query_parameters: { email: REDACTED } },
    });
  });

  it('never lets a value at a path through, in whatever shape the event comes', () => {
    const canary = 'canary-value-of-it';
    const key = fc.stringMatching(/^[a-z]{1,6}$/);
    const shapes: readonly ((event: JsonObject) => unknown)[] = [
      (each) => each,
      (each) => [each],
      (each) => [{ json: each }],
      (each) => ({ batch: [each] }),
    ];
    fc.assert(
      fc.property(
        fc.array(key, { minLength: 1, maxLength: 4 }),
        fc.nat(shapes.length - 1),
        fc.jsonValue({ maxDepth: 2 }),
        fc.boolean(),
        (path, shape, beside, star) => {
          let event: unknown = canary;
          for (const [at, step] of [...path].reverse().entries()) {
            event = at % 2 === 0 ? { beside, [step]: event } : { [step]: event };
          }
          fc.pre(!JSON.stringify(beside).includes(canary));
          const steps = star ? path.map((step, at) => (at === 0 ? step : '*')) : path;
          const each = createRedaction([steps.join('.')], false);
          const text = JSON.stringify(shapes[shape]?.(event as JsonObject));
          expect(each.body(Buffer.from(text), JSON_TYPE).toString()).not.toContain(canary);
          expect(JSON.stringify(each.event(event as JsonObject))).not.toContain(canary);
        },
      ),
    );
  });
});
