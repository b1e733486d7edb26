import { gzipSync } from 'node:zlib';
import { DELICATE, filled, testEvent } from './events.js';
import type { Outgoing } from './exchange.js';
import type { Probe, ProbeInput } from './probe.js';
import { largeBodies, largeHeads } from './proxy-probes.js';

/** RudderStack's router closes the connection after 10 s. */
const HANGS_UP = 10_000;

/** Returns what RudderStack's webhook and HTTP destinations send, and what others may send. */
export function rudderstackProbes(input: ProbeInput): Probe[] {
  return [
    ...events(input),
    ...paths(input),
    ...queries(input),
    ...largeHeads(HANGS_UP, (name) => post(json(testEvent(input, name)), input)),
    ...largeBodies({
      vendor: 'rudderstack',
      hangsUp: HANGS_UP,
      post: (name, size) => post(json(filled(input, name, size)), input),
    }),
    ...formats(input),
    ...refusals(input),
  ];
}

function events(input: ProbeInput): Probe[] {
  const real = { kind: 'real', hangsUp: HANGS_UP } as const;
  const single = post(json(testEvent(input, 'single')), input);
  return [
    {
      ...real,
      id: 'single',
      title: 'an event with the secret in its header',
      outgoing: single,
      ...(input.header.includes('_') && { limit: 'underscores' }),
      hint: 'Check the URL, the secret and the name of the header (--header).',
    },
    {
      ...real,
      id: 'delicate',
      title: 'an event with non-ASCII text and large numbers',
      outgoing: post(json(testEvent(input, 'delicate', { properties: DELICATE })), input),
      hint: 'Read the body as UTF-8 JSON.',
    },
    {
      ...real,
      id: 'slow',
      title: 'an event whose body pauses for 1.5 s',
      outgoing: { ...post(json(testEvent(input, 'slow')), input), pause: 1_500 },
      hint: 'The receiver does not wait for the body: raise the body timeout of the server or proxy.',
    },
    {
      ...real,
      id: 'two-types',
      kind: 'optional',
      settings: 'the destination has its own content-type header',
      title: 'an event with Content-Type twice',
      outgoing: {
        ...single,
        body: Buffer.from(json(testEvent(input, 'two-types'))),
        headers: [...single.headers, 'content-type', 'application/json; charset=utf-8'],
      },
      hint: 'Remove the header at RudderStack.',
    },
    {
      ...real,
      id: 'duplicate',
      kind: 'again',
      after: 'single',
      title: 'the first event again, as after a lost answer',
      outgoing: single,
    },
  ];
}

/**
 * In RudderStack's own test cases for these destinations, more than half of the requests go to a path below the URL.
 */
function paths(input: ProbeInput): Probe[] {
  const below = {
    kind: 'real',
    hangsUp: HANGS_UP,
    after: 'single',
    hint: 'Accept every path below the URL: events (appendPath) and path parameters of the HTTP Webhook destination add to it.',
  } as const;
  const named = (name: string): Outgoing => post(json(testEvent(input, name)), input);
  return [
    {
      ...below,
      id: 'append-path',
      title: 'an event to a path below the URL, as with appendPath',
      outgoing: { ...named('append-path'), suffix: '/trackbridge/doctor' },
    },
    {
      ...below,
      id: 'path-params',
      title: 'an event to a path below the URL with encoded path parameters',
      limit: 'path',
      outgoing: { ...named('path-params'), suffix: '/ann%40example.com/%2B49%2030%2F1' },
    },
  ];
}

function queries(input: ProbeInput): Probe[] {
  const optional = { kind: 'optional', hangsUp: HANGS_UP } as const;
  const long = Array.from(
    { length: 400 },
    (_, at) => `products%5B${at}%5D.name=${'Trackbridge+Doctor+'.repeat(3)}`,
  );
  const bare = { headers: headersOf(input), body: Buffer.alloc(0) };
  const large = {
    after: 'get',
    limit: 'line',
    hint: 'Raise the limit for the request line and headers in the receiver (Node: maxHeaderSize) and in every proxy, or choose POST at RudderStack.',
  } as const;
  const small = `?probe=trackbridge-doctor-${input.run}&revenue=1.2e%2B06&name=Zo%C3%AB`;
  return [
    {
      ...optional,
      id: 'get',
      settings: 'its method is GET',
      title: 'a GET with the properties in the query',
      outgoing: { method: 'GET', query: small, ...bare },
      hint: 'Choose POST at RudderStack.',
    },
    {
      ...optional,
      ...large,
      kind: 'real',
      id: 'get-8kb',
      title: 'a GET with 8 kB of query',
      outgoing: { method: 'GET', query: `${small}&filler=${'q'.repeat(8_200)}`, ...bare },
    },
    {
      ...optional,
      ...large,
      id: 'long-get',
      kind: 'real',
      title: 'a GET with 30 kB of query',
      outgoing: { method: 'GET', query: `${small}&${long.join('&')}`, ...bare },
    },
    {
      ...optional,
      ...large,
      id: 'get-200kb',
      settings: 'events have that many properties and its method is GET',
      title: 'a GET with 200 kB of query',
      outgoing: { method: 'GET', query: `${small}&filler=${'q'.repeat(200_000)}`, ...bare },
    },
    {
      ...optional,
      id: 'delete',
      settings: 'its method is DELETE',
      title: 'a DELETE with the properties in the query',
      outgoing: { method: 'DELETE', query: small, ...bare },
      hint: 'Choose POST at RudderStack.',
    },
  ];
}

function formats(input: ProbeInput): Probe[] {
  const optional = { kind: 'optional', hangsUp: HANGS_UP } as const;
  const batch = Array.from({ length: 20 }, (_, at) => testEvent(input, `batch-${at + 1}`));
  const batching = 'it is an HTTP Webhook with batching on';
  const id = `trackbridge-doctor-${input.run}`;
  return [
    {
      ...optional,
      id: 'batch',
      settings: batching,
      title: 'a batch of 20 events, a JSON array',
      outgoing: post(json(batch), input),
    },
    {
      ...optional,
      id: 'empty-batch',
      settings: batching,
      title: 'an empty batch, []',
      outgoing: post('[]', input),
    },
    {
      ...optional,
      id: 'form',
      settings: 'it is an HTTP Webhook with format FORM',
      title: 'an event as a form',
      outgoing: post(
        `event=Trackbridge+Doctor&messageId=${id}-form&type=track&userId=trackbridge-doctor`,
        input,
        'application/x-www-form-urlencoded',
      ),
    },
    {
      ...optional,
      id: 'xml',
      settings: 'it is an HTTP Webhook with format XML',
      title: 'an event as XML',
      outgoing: post(
        `<?xml version="1.0" encoding="UTF-8"?><root><type>track</type><event>Trackbridge Doctor</event><messageId>${id}-xml</messageId><userId>trackbridge-doctor</userId></root>`,
        input,
        'application/xml',
      ),
    },
    {
      ...optional,
      id: 'gzip',
      settings: 'a proxy or a sender of your own compresses',
      title: 'an event in gzip',
      outgoing: zipped(post(json(testEvent(input, 'gzip')), input)),
      hint: 'Neither vendor compresses webhooks, so nothing is lost.',
    },
  ];
}

function refusals(input: ProbeInput): Probe[] {
  const stranger = json(testEvent(input, 'forged'));
  const base = { kind: 'forged', hangsUp: HANGS_UP } as const;
  const wrong = { header: input.header, secret: `not-${input.secret}` };
  return [
    { ...base, id: 'unsigned', title: 'an event without the secret', outgoing: post(stranger) },
    {
      ...base,
      id: 'wrong-secret',
      title: 'an event with another secret',
      outgoing: post(stranger, wrong),
    },
    {
      ...base,
      id: 'malformed',
      kind: 'broken',
      title: 'JSON that is cut off, with the secret',
      outgoing: post(stranger.slice(0, -9), input),
    },
  ];
}

type Credentials = Pick<ProbeInput, 'secret' | 'header'>;

/**
 * Returns header names as Go writes them, with the ones that Go adds. The secret's bytes are UTF-8, which Node takes as
 * Latin-1 text.
 */
function headersOf(credentials?: Credentials): string[] {
  const own = ['User-Agent', 'RudderLabs', 'Accept-Encoding', 'gzip'];
  if (credentials === undefined) return own;
  return [...own, credentials.header, Buffer.from(credentials.secret).toString('latin1')];
}

function post(body: string, credentials?: Credentials, type = 'application/json'): Outgoing {
  const headers = ['Content-Type', type, ...headersOf(credentials)];
  return { method: 'POST', headers, body: Buffer.from(body) };
}

function zipped(outgoing: Outgoing): Outgoing {
  const headers = [...outgoing.headers, 'Content-Encoding', 'gzip'];
  return { ...outgoing, headers, body: gzipSync(outgoing.body) };
}

/** JSON as Go writes it: keys sorted, and `<`, `>`, `&` and line separators escaped. */
function json(value: unknown): string {
  return JSON.stringify(sorted(value)).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([key, of]) => [key, sorted(of)]));
}
