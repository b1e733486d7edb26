import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TrackbridgeError } from '../../src/core/errors.js';
import { decodeBody } from '../../src/decode/body.js';
import { openEnvelope, readEnvelope } from '../../src/decode/envelope.js';
import { LIMITS } from '../../src/decode/limits.js';
import { decodeQuery } from '../../src/decode/query/parse.js';
import { toRawEvents, unwrapJsonMember } from '../../src/decode/unwrap.js';
import { createCanonicalizer } from '../../src/event/canonicalizer.js';
import { almostEvent } from '../event/arbitraries.js';
import { factsOf } from '../event/facts.js';
import { encodeBody, encodeQuery } from '../fuzz/encode.js';
import { mutateBytes } from '../fuzz/mutate-bytes.js';
import { mutateJson } from '../fuzz/mutate-json.js';
import { Random } from '../fuzz/random.js';
import { labelled } from './labels.js';

const LABELS = [
  undefined,
  'application/json',
  'application/json; charset=utf-16le',
  'application/x-www-form-urlencoded; charset=shift_jis',
  'application/xml',
  'text/xml; charset="nothing"',
  'multipart/form-data; boundary=b',
  'multipart/form-data',
  'text/plain',
  ';;=',
];
const canonicalize = createCanonicalizer();

/** Runs what may refuse; anything but a refusal that blames the sender fails the test. Resolves to whether it was taken. */
async function refusesRightly(decode: () => unknown): Promise<boolean> {
  try {
    await decode();
    return true;
  } catch (error) {
    if (!(error instanceof TrackbridgeError)) throw error;
    expect(error).toMatchObject({ status: 400 });
    // Of one line, and without what a library said about the text.
    expect(error.message).not.toMatch(/[\r\n]|node_modules/);
    return false;
  }
}

async function takeBody(body: Buffer, label: string | undefined): Promise<void> {
  const value = decodeBody(body, labelled(label), LIMITS);
  for (const event of toRawEvents(value, LIMITS).events) {
    const outcome = canonicalize(unwrapJsonMember(event, LIMITS), factsOf({}));
    // What is kept must be JSON text, whatever came.
    const kept = JSON.stringify(outcome.ok ? outcome.event : event);
    expect(JSON.parse(kept)).toBeDefined();
    expect(kept).not.toMatch(/(?<!\\)"__proto__":/);
  }
}

/** Bodies that were whole once: an event, its JSON changed, encoded, its bytes changed. */
const brokenBody = fc.tuple(almostEvent, fc.nat(), fc.boolean()).map(([event, seed, alsoBytes]) => {
  const random = new Random(seed);
  const { body, headers } = encodeBody(mutateJson(JSON.stringify(event), random), random);
  const bytes = alsoBytes && body.length > 0 ? mutateBytes(body, random, body) : body;
  return { bytes, label: new Map(headers).get('Content-Type') };
});

describe('the decoder of bodies', () => {
  it('takes or refuses any bytes under any label', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(...LABELS),
        (bytes, label) =>
          refusesRightly(() => takeBody(Buffer.from(bytes), label)).then(() => undefined),
      ),
      { numRuns: 1_000 },
    );
  });

  it('takes or refuses what was an event once, in every form', async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(brokenBody, async ({ bytes, label }) => {
        if (await refusesRightly(() => takeBody(bytes, label))) taken++;
      }),
      { numRuns: 1_500 },
    );
    // Otherwise this would prove nothing about what gets through.
    expect(taken).toBeGreaterThan(300);
  });
});

describe('the decoder of queries', () => {
  const query = fc.oneof(
    fc.tuple(almostEvent, fc.nat()).map(([event, seed]) => {
      const text = encodeQuery(JSON.stringify(event));
      return mutateBytes(Buffer.from(`a=${text}`), new Random(seed), Buffer.from(text)).toString(
        'latin1',
      );
    }),
    fc
      .array(
        fc.constantFrom(
          'a',
          '.',
          '[',
          ']',
          '0',
          '9',
          '=',
          '&',
          '%',
          '%5B',
          '__proto__',
          '<nil>',
          '+',
        ),
      )
      .map((parts) => parts.join('')),
  );

  it('takes or refuses any text', async () => {
    await fc.assert(
      fc.asyncProperty(
        query,
        fc.constantFrom('strings' as const, 'infer' as const),
        async (text, types) => {
          await refusesRightly(() => {
            const { value } = decodeQuery(text, { types, limits: LIMITS });
            if (value !== undefined) expect(JSON.stringify(value)).not.toMatch(/"__proto__":/);
          });
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('takes or refuses any envelope beside them', async () => {
    const whole = JSON.stringify({
      v: 1,
      event: { type: 'track', messageId: 'm' },
      properties: { a: 's', b: ['n', { c: '=x' }], d: null },
    });
    await fc.assert(
      fc.asyncProperty(fc.nat(), query, async (seed, text) => {
        const mutated = mutateJson(whole, new Random(seed));
        await refusesRightly(() => {
          const header = (name: string): string | undefined =>
            name === 'x-trackbridge-event' ? `1/1;${mutated};` : undefined;
          const envelope = readEnvelope(header, LIMITS);
          if (envelope !== undefined) openEnvelope(envelope, text, LIMITS);
        });
      }),
      { numRuns: 1_000 },
    );
  });
});
