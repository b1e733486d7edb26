import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/json.js';
import { segmentSignature } from '../../src/verify/segment-signature.js';
import { encodeAudiences } from '../../src/workbench/emulate/audiences.js';
import { sign, verdictOf } from './signed.js';

const SECRET = 'trackbridge-shared-secret';
const EXTRAS: readonly JsonObject[] = [{ list: 'shoppers', n: 1.5 }, { list: 'vips' }];

function verdict(
  body: string,
  signature: string,
  extras: readonly JsonObject[] | undefined = EXTRAS,
  batch: 'first-element' | 'whole-body' = 'first-element',
) {
  const scheme = segmentSignature({
    scheme: 'segment-signature',
    header: 'x-signature',
    secrets: [SECRET],
    batch,
    ...(extras && { extras }),
  });
  const found = verdictOf(scheme, { rawHeaders: ['x-signature', signature], body });
  return found.passed ? found.covers : 'nothing';
}

function delivery(
  events: readonly JsonObject[],
  extras: JsonObject,
  isBatch: boolean,
): [string, string] {
  const url = 'https://receiver.example/segment';
  const destination = { url, method: 'POST', headers: [], secret: SECRET, extras };
  const { body, headers } = encodeAudiences(events, destination, isBatch);
  const signature = headers.find(([name]) => name === 'x-signature')?.[1] ?? '';
  return [String(body), signature];
}

const event = { type: 'identify', userId: 'ü', traits: { a: '"list":"vips"}' } };

describe('segment-signature with extras', () => {
  it.each([
    [[event], false, 'all'],
    [[event, { type: 'track' }], true, 'first'],
    [[{}], false, 'all'],
    [[{}], true, 'first'],
  ] as const)('holds for %j (batch: %s) with each of them', (events, isBatch, covers) => {
    for (const extras of EXTRAS) {
      const [body, signature] = delivery(events, extras, isBatch);
      expect(verdict(body, signature)).toBe(covers);
      expect(verdict(body, signature, [])).toBe('nothing');
    }
  });

  it('is off where none are configured', () => {
    const scheme = { scheme: 'segment-signature', header: 'x-signature' } as const;
    const off = segmentSignature({ ...scheme, secrets: [SECRET], batch: 'first-element' });
    const [body, signature] = delivery([event], EXTRAS[0] ?? {}, false);
    expect(verdictOf(off, { rawHeaders: ['x-signature', signature], body }).passed).toBe(false);
  });

  it('holds without extras as before', () => {
    const [body, signature] = delivery([event], {}, false);
    expect(verdict(body, signature)).toBe('all');
  });

  it.each([
    ['another value', { list: 'others' }],
    ['a further member', { list: 'vips', admin: true }],
    ['another order', { n: 1.5, list: 'shoppers' }],
    ['two of them', { list: 'shoppers', n: 1.5, more: 1 }],
  ])('does not hold with %s', (_what, extras) => {
    const [body, signature] = delivery([event], extras, false);
    expect(verdict(body, signature)).toBe('nothing');
  });

  it('does not hold where the event had such a member: what was signed cannot be told', () => {
    const [body, signature] = delivery([{ list: 'own', a: 1 }], { list: 'vips' }, false);
    expect(verdict(body, signature)).toBe('nothing');
  });

  it('does not hold for a member that then stands twice: readers differ on which counts', () => {
    const [, signature] = delivery([{ list: 'own' }], {}, false);
    const forged = '{"list":"own","list":"vips"}';
    expect(verdict(forged, signature)).toBe('nothing');
    expect(verdict(`[${forged}]`, signature)).toBe('nothing');
  });

  it.each(['{"list":"vips"}', '"list":"vips"}', '[,"list":"vips"}', '{,"list":"vips"}', '{}'])(
    'does not hold for %s under a signature of something else',
    (body) => {
      const [, signature] = delivery([event], {}, false);
      expect(verdict(body, signature)).toBe('nothing');
    },
  );

  it.each(['{"a":1"list":"vips"}', '{ "list":"vips"}', '{"a":{"list":"vips"}'])(
    'does not hold for %s under a signature of {}',
    (body) => {
      const [, signature] = delivery([{}], {}, false);
      expect(verdict(body, signature)).toBe('nothing');
    },
  );

  it('does not hold for an array, whatever stands in it', () => {
    expect(verdict('["a","list":"vips"}', sign(SECRET, '["a"}'))).toBe('nothing');
  });

  it('asks for the whole body where that is configured, less its extras', () => {
    const [single, singleSignature] = delivery([event], { list: 'vips' }, false);
    expect(verdict(single, singleSignature, EXTRAS, 'whole-body')).toBe('all');
    const [body, signature] = delivery([event], { list: 'vips' }, true);
    expect(verdict(body, signature, EXTRAS, 'whole-body')).toBe('nothing');
  });
});
