import { createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { DELICATE, filled, testEvent } from './events.js';
import type { Probe, ProbeInput } from './probe.js';
import { largeBodies } from './proxy-probes.js';

/** Segment's limits: its classic webhooks close the connection after 5 s; Actions, which sends batches, after 10 s. */
const CLASSIC = 5_000;
const ACTIONS = 10_000;
/** Segment's largest batch; 4 MB of events. */
const LARGEST = 4_000;

/** Returns what Segment's webhook destinations send, and what others may send. */
export function segmentProbes(input: ProbeInput): Probe[] {
  const bodies = largeBodies({
    vendor: 'segment',
    hangsUp: ACTIONS,
    post(name, size) {
      const body = text(filled(input, name, size));
      return signed(body, body, input);
    },
  });
  return [...singles(input), ...batches(input), ...bodies, ...refusals(input)];
}

function singles(input: ProbeInput): Probe[] {
  const real = { kind: 'real', hangsUp: CLASSIC } as const;
  const single = text(testEvent(input, 'single'));
  const delicate = text(testEvent(input, 'delicate', { properties: DELICATE }));
  const slow = text(testEvent(input, 'slow'));
  const erase = text({
    ...testEvent(input, 'delete', { type: 'delete', context: null, integrations: null }),
    originalTimestamp: '2020-05-09 23:54:49.209808489 +0000 UTC m=+70366.298768264',
  });
  return [
    {
      ...real,
      id: 'single',
      title: 'a signed event',
      outgoing: signed(single, single, input),
      hint: 'Check the URL and the secret, and check the signature as hex HMAC-SHA1 over the raw body; `trackbridge verify` explains an invalid one.',
    },
    {
      ...real,
      id: 'delicate',
      title: 'a signed event with non-ASCII text and large numbers',
      outgoing: signed(delicate, delicate, input),
      hint: 'The receiver checks the signature over a reserialized body: check it over the raw bytes.',
    },
    {
      ...real,
      id: 'slow',
      title: 'a signed event whose body pauses for 1.5 s',
      outgoing: { ...signed(slow, slow, input), pause: 1_500 },
      hint: 'The receiver does not wait for the body: raise the body timeout of the server or proxy.',
    },
    {
      ...real,
      id: 'delete',
      title: 'a delete event (user deletion), context null',
      kind: 'optional',
      settings: 'user deletions are forwarded to the destination',
      outgoing: signed(erase, erase, input),
      hint: 'Accept type delete, and null in place of an object.',
    },
    {
      ...real,
      id: 'duplicate',
      title: 'the first event again, as after a lost answer',
      kind: 'again',
      after: 'single',
      outgoing: signed(single, single, input),
    },
  ];
}

function batches(input: ProbeInput): Probe[] {
  const of = (name: string, count: number, more = {}): Record<string, unknown>[] =>
    Array.from({ length: count }, (_, at) => testEvent(input, `${name}-${at + 1}`, more));
  const optional = {
    kind: 'optional',
    settings: 'batching is on (Webhook Actions)',
    hangsUp: ACTIONS,
  } as const;
  const pair = of('batch', 2);
  const one = of('one', 1);
  const wrapped = of('wrapped', 2).map((json) => ({ json }));
  const many = of('many', LARGEST, { properties: { note: 'x'.repeat(550) } });
  const rule =
    'Segment signs only the first element of a batch: check the raw bytes of element 0 if the signature does not match the whole body.';
  return [
    {
      ...optional,
      kind: 'real',
      id: 'batch',
      title: 'a batch of two, signed over its first element',
      outgoing: signed(text(pair), text(pair[0]), input),
      hint: rule,
    },
    {
      ...optional,
      kind: 'real',
      id: 'batch-of-one',
      title: 'a batch of one',
      outgoing: signed(text(one), text(one[0]), input),
      hint: rule,
    },
    {
      ...optional,
      settings: 'it is an Extensible Webhook with batching on',
      id: 'extensible',
      title: 'a batch of an Extensible Webhook, [{"json": ...}]',
      outgoing: signed(text(wrapped), text(wrapped[0]?.json), input),
      hint: 'The signature covers the value of json in the first element: check those bytes.',
    },
    {
      ...optional,
      kind: 'real',
      id: 'large-batch',
      after: 'batch',
      limit: 'body',
      title: `a batch of ${LARGEST} events, ${megabytes(text(many))} MB`,
      outgoing: signed(text(many), text(many[0]), input),
      hint: 'Raise the body limit to 8 MB in the receiver and in every proxy, and answer before you process the events; or lower the batch size at Segment.',
    },
  ];
}

function refusals(input: ProbeInput): Probe[] {
  const base = { hangsUp: CLASSIC, kind: 'forged' } as const;
  const stranger = text(testEvent(input, 'forged'));
  const zipped = text(testEvent(input, 'gzip'));
  const broken = text(testEvent(input, 'broken')).slice(0, -9);
  const wrong = signed(stranger, stranger, { secret: `not ${input.secret}` });
  return [
    {
      ...base,
      id: 'unsigned',
      title: 'an event without a signature',
      outgoing: { method: 'POST', headers: HEADERS, body: Buffer.from(stranger) },
    },
    { ...base, id: 'wrong-secret', title: 'an event signed with another secret', outgoing: wrong },
    {
      ...base,
      id: 'altered',
      title: 'an event that was changed after it was signed',
      outgoing: signed(stranger.replace('39.95', '99.95'), stranger, input),
    },
    {
      ...base,
      id: 'malformed',
      kind: 'broken',
      title: 'signed JSON that is cut off',
      outgoing: signed(broken, broken, input),
    },
    {
      ...base,
      id: 'gzip',
      kind: 'optional',
      settings: 'a proxy or a sender of your own compresses',
      title: 'a signed event in gzip',
      outgoing: {
        ...signed(zipped, zipped, input),
        headers: [...signed(zipped, zipped, input).headers, 'Content-Encoding', 'gzip'],
        body: gzipSync(zipped),
      },
      hint: 'Neither vendor compresses webhooks, so nothing is lost.',
    },
  ];
}

const HEADERS = [
  'user-agent',
  'Segment (Actions)',
  'content-type',
  'application/json',
  'Accept',
  '*/*',
] as const;

function signed(
  body: string,
  over: string,
  { secret }: Pick<ProbeInput, 'secret'>,
): Probe['outgoing'] {
  const signature = createHmac('sha1', secret).update(over).digest('hex');
  return {
    method: 'POST',
    headers: [...HEADERS, 'x-signature', signature],
    body: Buffer.from(body),
  };
}

function text(value: unknown): string {
  return JSON.stringify(value);
}

function megabytes(body: string): string {
  return (body.length / 1e6).toFixed(1);
}
