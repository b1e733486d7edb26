import { readFileSync } from 'node:fs';
import type { JsonObject } from '../../src/core/json.js';
import type { Destination, WireRequest } from './rudderstack-encoder.js';

/** One case of the vectors: what went into RudderStack and what came out. */
export interface WireCase {
  readonly name: string;
  readonly event: JsonObject;
  readonly destinationConfig: Destination;
  readonly delivery: WireRequest;
}

export function wireCases(): readonly WireCase[] {
  const url = new URL('../fixtures/rudderstack-wire.json', import.meta.url);
  return (JSON.parse(readFileSync(url, 'utf8')) as { cases: WireCase[] }).cases;
}

export function queryOf(request: WireRequest): string {
  return request.requestUri.split('?')[1] ?? '';
}
