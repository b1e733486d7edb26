import { readFileSync } from 'node:fs';
import type { FieldRequest } from './receiver.js';

/** What a case's requests must come to together; what is absent is not looked at. */
interface FieldExpectation {
  readonly status?: number;
  readonly accepted?: number;
  readonly duplicates?: number;
  readonly quarantined?: number;
  readonly messageIds?: readonly string[];
  readonly userIds?: readonly string[];
  readonly noUserId?: boolean;
  readonly timestamp?: string;
  readonly unreadable?: object;
  readonly ip?: string | null;
  /** The `integrations` that RudderStack is sent. */
  readonly toRudderstack?: object;
  /** Fields of the first event. */
  readonly type?: string;
  readonly event?: string;
  readonly name?: string;
  readonly properties?: object;
  readonly traits?: object;
  readonly context?: object;
  readonly integrations?: object;
}

export interface FieldCase {
  readonly id: string;
  readonly source: object;
  readonly server?: object;
  readonly request: readonly FieldRequest[];
  readonly expect: FieldExpectation;
}

interface Written extends Omit<FieldCase, 'request'> {
  readonly request: readonly (FieldRequest & {
    readonly batchOf?: number;
    readonly itemBytes?: number;
  })[];
}

/** The cases of `fixtures/field.json`, their bodies written out. */
export function fieldCases(): FieldCase[] {
  const url = new URL('../../fixtures/field.json', import.meta.url);
  const { cases } = JSON.parse(readFileSync(url, 'utf8')) as { cases: Written[] };
  return cases.map((one) => ({ ...one, request: one.request.map(withBody) }));
}

function withBody({
  batchOf,
  itemBytes = 0,
  ...request
}: Written['request'][number]): FieldRequest {
  if (batchOf !== undefined) {
    const batch = Array.from({ length: batchOf }, () => paddedItem(itemBytes));
    return { ...request, body: `{"batch":[${batch.join(',')}]}` };
  }
  const [, bytes] = /"@(\d+)"/.exec(request.body ?? '') ?? [];
  if (bytes === undefined) return request;
  const item = /\{"type":.*"@\d+"\}\}/.exec(request.body ?? '')?.[0] ?? '';
  const spare = Number(bytes) - (item.length - `@${bytes}`.length);
  return { ...request, body: request.body?.replace(`@${bytes}`, 'x'.repeat(spare)) ?? '' };
}

/** A track of so many bytes. */
function paddedItem(bytes: number): string {
  const empty = '{"type":"track","event":"E","userId":"u-1","properties":{"pad":""}}';
  return empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`);
}
