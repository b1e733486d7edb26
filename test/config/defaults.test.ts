// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references look like template strings.
import { describe, expect, it } from 'vitest';
import { redactConfig } from '../../src/config/secrets/redact.js';
import { ENV, fromObject, load, SECRET } from './support.js';

/** The sample of the contract, section 3, without the sink that is only an example. */
const SAMPLE = `
server:
  host: 127.0.0.1
  port: 8080
  budget: 4500ms
  bodyLimit: 8mb
  queryLimit: 512kb
  maxConcurrent: 2000
  maxBodyBytes: 256mb
  trustProxy: false
outbox:
  type: sqlite
  path: ./data/outbox.db
  durability: full
  dedupeWindow: 24h
  maxPending: 5000000
  retention: 7d
  quarantine: { max: 1000000, keep: 30d }
  deadLetters: { max: 1000000, keep: 30d }
sources:
  segment:
    type: segment
    path: /segment
    verify: { scheme: segment-signature, secrets: ["\${SEGMENT_SHARED_SECRET}"], batch: first-element }
  rudderstack:
    type: rudderstack
    path: /rudderstack
    verify: { scheme: shared-secret, header: x-signature, secrets: ["\${RUDDERSTACK_SHARED_SECRET}"] }
    query: { types: spec, type: track }
sinks:
  archive: { type: file, path: ./data/events.ndjson }
  terminal: { type: stdout, format: pretty }
`;

const ORDERS = `
  orders:
    type: http
    url: https://example.com/hook
    where: { sources: [segment], types: [track], events: ["Order *"] }
    batch: { size: 100, wait: 200ms }
    lanes: 8
    retry: { initial: 1s, max: 5m, giveUpAfter: 24h }
`;

describe('the defaults', () => {
  it('are the sample of the contract', () => {
    expect(fromObject({}).config).toEqual(load(SAMPLE).config);
    expect(fromObject(undefined).config).toEqual(load(SAMPLE).config);
  });

  it('are in milliseconds and bytes', () => {
    const { server, outbox } = fromObject({}).config;
    expect(server).toEqual({
      host: '127.0.0.1',
      port: 8080,
      budget: 4_500,
      bodyLimit: 8_388_608,
      queryLimit: 524_288,
      maxConcurrent: 2000,
      maxBodyBytes: 268_435_456,
      maxConnections: 10_000,
      trustProxy: false,
      workers: 1,
    });
    expect(outbox).toEqual({
      type: 'sqlite',
      path: './data/outbox.db',
      durability: 'full',
      dedupeWindow: 86_400_000,
      maxPending: 5_000_000,
      retention: { age: 604_800_000 },
      quarantine: { max: 1_000_000, keep: 2_592_000_000 },
      deadLetters: { max: 1_000_000, keep: 2_592_000_000 },
    });
  });

  it('of a sink are those that the sample spells out', () => {
    const { sinks } = load(SAMPLE + ORDERS).config;
    expect(
      load(`${SAMPLE}  orders: { type: http, url: "https://example.com/hook" }`).config.sinks[
        'orders'
      ],
    ).toEqual({
      ...sinks['orders'],
      where: {},
    });
    expect(sinks['orders']).toMatchObject({
      batch: { size: 100, wait: 200 },
      lanes: 8,
      retry: { initial: 1_000, max: 300_000, giveUpAfter: 86_400_000 },
      timeout: 10_000,
      format: 'canonical',
    });
  });

  it('of a source and its verify are filled in', () => {
    const { sources } = load(
      'sources: { s: { type: segment, verify: { scheme: hmac, secrets: ["${SEGMENT_SHARED_SECRET}"] } } }',
    ).config;
    expect(sources['s']).toEqual({
      type: 'segment',
      path: '/segment',
      verify: [
        {
          scheme: 'hmac',
          header: 'x-signature',
          secrets: [SECRET],
          algorithm: 'sha256',
          encoding: 'hex',
          prefix: '',
        },
      ],
      ack: 'queued',
      extraTypes: [],
      require: 'nothing',
      onUnauthenticated: 'reject',
      unauthenticatedLimit: 10_000,
    });
  });

  it('go to another data directory where the caller has one', () => {
    const { config } = load('', { dataDir: '/var/lib/t' });
    expect(config.outbox).toMatchObject({ path: '/var/lib/t/outbox.db' });
    expect(config.sinks['archive']?.options).toEqual({ path: '/var/lib/t/events.ndjson' });
  });

  it('leave out the admin listener, whose own defaults take one word', () => {
    expect(fromObject({}).config).not.toHaveProperty('admin');
    expect(fromObject({ admin: {} }).config.admin).toEqual({ host: '127.0.0.1', port: 8081 });
  });

  it('warn of nothing', () => {
    expect(fromObject({}).warnings).toEqual([]);
  });
});

describe('a resolved configuration', () => {
  it('is frozen to the bottom', () => {
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(frozen));
    expect(frozen(load(SAMPLE + ORDERS).config)).toBe(true);
  });

  it('shares nothing with the object it was made from, and leaves that one alone', () => {
    const given = { server: { budget: '1s' }, sinks: { a: { type: 'stdout', where: {} } } };
    const before = structuredClone(given);
    fromObject(given);
    expect(given).toEqual(before);
    expect(Object.isFrozen(given.server)).toBe(false);
  });

  it('does not change from one load to the next', () => {
    expect(fromObject({})).toEqual(fromObject({}));
    expect(redactConfig(fromObject({}, ENV).config)).toEqual(redactConfig(fromObject({}).config));
  });
});
