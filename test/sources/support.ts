import type { SourceConfig } from '../../src/config/config.js';
import type { JsonValue } from '../../src/core/json.js';
import { type Canonicalized, createCanonicalizer } from '../../src/event/canonicalizer.js';
import type { CanonicalEvent } from '../../src/event/event.js';
import type { Decoded, Delivery, Source } from '../../src/sources/source.js';
import { headerLines } from '../../src/verify/header-lines.js';
import { none } from '../../src/verify/none.js';

const canonicalize = createCanonicalizer();

type ConfigOf<Type extends SourceConfig['type']> = Extract<SourceConfig, { type: Type }>;

/** A source's configuration, `segment` unless it says otherwise, with the defaults of the contract. */
export function sourceConfig<Type extends SourceConfig['type'] = 'segment'>(
  changes: { readonly type?: Type } & Partial<ConfigOf<Type>> = {},
): ConfigOf<Type> {
  const common = {
    type: 'segment',
    path: '/in',
    verify: [{ scheme: 'none' }],
    ack: 'queued',
    extraTypes: [],
    require: 'nothing',
    onUnauthenticated: 'reject',
    unauthenticatedLimit: 10_000,
  };
  const query = { query: { types: 'spec', type: 'track' } };
  const own = changes.type === 'rudderstack' ? query : {};
  return { ...common, ...own, ...changes } as unknown as ConfigOf<Type>;
}

export interface DeliveryParts {
  readonly method?: string;
  readonly query?: string;
  readonly subpath?: string;
  /** Header lines in order, names as on the wire. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string | Buffer;
}

export const RECEIVED_AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** A delivery that was read whole. */
export function deliveryOf(parts: DeliveryParts = {}): Delivery {
  return {
    id: '019b7c5a-0000-7000-8000-00000000000d',
    method: parts.method ?? 'POST',
    query: parts.query ?? '',
    subpath: parts.subpath ?? '',
    headers: headerLines((parts.headers ?? []).flat()),
    body: Buffer.from(parts.body ?? ''),
    remote: '192.0.2.1',
    origin: () => 'http://receiver.example',
    httpVersion: '1.1',
    receivedAt: RECEIVED_AT,
  };
}

/** One verifier, for sources whose verification is not looked at. */
export const OPEN = [none()];

export async function decode(source: Source, parts: DeliveryParts): Promise<Decoded> {
  return await source.decode(deliveryOf(parts));
}

/** The values of the events that a delivery holds. */
export async function valuesOf(source: Source, parts: DeliveryParts): Promise<JsonValue[]> {
  return (await decode(source, parts)).events.map(({ value }) => value);
}

/** What becomes of the only event of a delivery. */
export async function outcomeOf(source: Source, parts: DeliveryParts): Promise<Canonicalized> {
  const { events } = await decode(source, parts);
  const [raw] = events;
  if (raw === undefined || events.length > 1) throw new Error('it holds not one event');
  const { untyped } = source.config;
  return canonicalize(raw.value, {
    deliveryId: '019b7c5a-0000-7000-8000-00000000000d',
    source: source.name,
    vendor: source.vendor,
    method: parts.method ?? 'POST',
    receivedAt: RECEIVED_AT,
    authenticated: true,
    verifiedBy: 'shared-secret',
    scope: source.name,
    extraTypes: source.config.extraTypes,
    uuid: () => '019b7c5a-0000-7000-8000-000000000001',
    ...(raw.collisions === undefined ? {} : { collisions: raw.collisions }),
    ...(untyped === undefined ? {} : { untyped }),
  });
}

/** The canonical event of a delivery that holds one valid event. */
export async function canonicalOf(source: Source, parts: DeliveryParts): Promise<CanonicalEvent> {
  const outcome = await outcomeOf(source, parts);
  if (!outcome.ok) throw new Error(`not valid: ${JSON.stringify(outcome.errors)}`);
  return outcome.event;
}

/** The code of the error that `run` throws or rejects with. */
export async function codeOf(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return undefined;
}
