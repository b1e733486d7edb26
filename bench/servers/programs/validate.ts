import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

const schema = (path: string): object =>
  JSON.parse(
    readFileSync(new URL(`../../../schemas/events/${path}`, import.meta.url), 'utf8'),
  ) as object;

/** Returns a check of a track event, by the receiver's schemas. */
export function createValidate(): (event: unknown) => boolean {
  const ajv = new Ajv2020({ strict: false });
  formats.default(ajv, { mode: 'fast' });
  ajv.addSchema(schema('common.schema.json'));
  return ajv.compile(schema('track.schema.json'));
}

/** What the receiver adds to an event, made once: it costs a server by hand next to nothing. */
export function receiptOf(messageId: unknown): object {
  return {
    deliveryId: '018f',
    source: 'bare',
    vendor: 'segment',
    method: 'POST',
    receivedAt: '2026-01-02T03:04:05.678Z',
    authenticated: true,
    verifiedBy: 'segment-signature',
    dedupeKey: `bare:${messageId}`,
  };
}
