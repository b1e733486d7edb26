import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.js';
import { encodeSegment } from '../../../src/workbench/emulate/segment.js';
import type { Destination } from '../../../src/workbench/emulate/wire-request.js';

interface SignatureCase {
  readonly name: string;
  readonly secret: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signs: string;
  readonly verdict: string;
}

const { cases } = JSON.parse(
  readFileSync(new URL('../../fixtures/segment-signatures.json', import.meta.url), 'utf8'),
) as { cases: SignatureCase[] };
/** Those a serializer in JavaScript can have written, signed as Segment does today. */
const sent = cases.filter(
  ({ body, verdict, name, signs }) =>
    verdict === 'valid' &&
    JSON.stringify(JSON.parse(body)) === body &&
    name !== 'upper-case hex' &&
    !(body.startsWith('[') && signs === 'body'),
);
const header = (headers: readonly (readonly [string, string])[], wanted: string) =>
  headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
const to = (more: Partial<Destination> = {}): Destination => ({
  url: 'https://example.com/segment?token=1',
  method: 'POST',
  headers: [],
  secret: 'abc123',
  ...more,
});

it('has vectors for each of the ways to sign', () => {
  expect(new Set(sent.map(({ signs }) => signs))).toEqual(
    new Set(['body', 'first-element', 'first-element-json']),
  );
});

it.each(sent)('sends what Segment does: $name', ({ secret, headers, body, signs }) => {
  const parsed = JSON.parse(body) as JsonObject | JsonObject[];
  const isBatch = Array.isArray(parsed);
  const isExtensible = signs === 'first-element-json';
  const events = isBatch ? parsed : [parsed];
  const request = encodeSegment(
    isExtensible ? events.map(({ json }) => json as JsonObject) : events,
    to({ secret }),
    isExtensible ? 'extensible' : 'actions',
    isBatch,
  );
  expect(request.body).toBe(body);
  expect(header(request.headers, 'x-signature')).toBe(headers['x-signature']);
  expect(header(request.headers, 'content-type')).toBe('application/json');
  expect(request.requestUri).toBe('/segment?token=1');
});

// From the destination's own tests (segmentio/action-destinations, webhook/send).
it('signs as the tests of the destination say', () => {
  const cool = [{ cool: false }, { cool: true }];
  expect(header(encodeSegment(cool, to(), 'actions', true).headers, 'x-signature')).toBe(
    'c702b94a2569dd8d2f7185ce0ae951021bef4706',
  );
  expect(
    header(encodeSegment([{ cool: true }], to(), 'actions', false).headers, 'x-signature'),
  ).toBe('5099cab379b3be52908387457007040cc934ef86');
});

it('spells header names as each destination does', () => {
  const names = (form: 'classic' | 'actions') =>
    encodeSegment([{ cool: true }], to(), form, false).headers.map(([name]) => name);
  expect(names('classic')).toEqual([
    ...['Host', 'User-Agent', 'Content-Length', 'Content-Type', 'X-Signature'],
  ]);
  expect(names('actions')).toEqual([
    ...['user-agent', 'x-signature', 'content-type', 'Accept', 'Content-Length'],
    ...['Accept-Encoding', 'Host', 'Connection'],
  ]);
});

it('lets a header of the mapping win, but for the content type', () => {
  const { headers } = encodeSegment(
    [{ cool: true }],
    to({
      headers: [
        ['X-Signature', 'mine'],
        ['Content-Type', 'text/xml'],
      ],
    }),
    'actions',
    false,
  );
  const values = (wanted: string) =>
    headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
  expect(values('x-signature')).toEqual(['mine']);
  expect(values('content-type')).toEqual(['application/json']);
});

it('signs nothing without a secret', () => {
  const { headers } = encodeSegment([{}], to({ secret: undefined }), 'actions', false);
  expect(header(headers, 'x-signature')).toBeUndefined();
});
