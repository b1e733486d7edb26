import fc from 'fast-check';
import { almostEvent } from '../event/arbitraries.js';
import { corpus } from './corpus.js';
import { compress, encodeBody, encodeQuery } from './encode.js';
import { mutateBytes } from './mutate-bytes.js';
import { mutateJson } from './mutate-json.js';
import { Random } from './random.js';
import { bytesOf, type FuzzRequest } from './request.js';
import { DOORS } from './target.js';

/** What one connection is sent. */
export interface Input {
  readonly index: number;
  readonly bytes: Buffer;
  /** The rest never comes and the connection stays open: the budget has to end it. */
  readonly withheld: boolean;
}

const GENERATED_EVENTS = 1_000;
// Each keeps its connection for the whole budget.
const WITHHELD = 0.002;

/** The inputs of a seed: input number n is the same on every machine, whatever came before it. */
export function createInputs(seed: number): (index: number) => Input {
  const requests = corpus();
  const generated = fc
    .sample(almostEvent, { seed, numRuns: GENERATED_EVENTS })
    .map((event) => JSON.stringify(event));
  const recorded = requests
    .map(({ body }) => body.toString())
    .filter((text) => text.startsWith('{') || text.startsWith('['));

  return (index) => {
    const random = new Random(seed, index);
    const request = random.pick(requests);
    const kind = random.below(100);
    if (random.chance(WITHHELD)) {
      const bytes = bytesOf(request);
      return {
        index,
        bytes: bytes.subarray(0, 1 + random.below(bytes.length - 1)),
        withheld: true,
      };
    }
    if (kind < 40) {
      const bytes = mutateBytes(bytesOf(request), random, bytesOf(random.pick(requests)));
      return { index, bytes, withheld: false };
    }
    const origin = kind < 70 ? random.pick(recorded) : random.pick(generated);
    // Otherwise most would be duplicates, which go no further than the outbox.
    const event = origin.replace(/(?<="messageId":")[^"\\]*(?=")/, `m-${index}`);
    const json = random.chance(0.8) ? mutateJson(event, random) : event;
    const sound = delivery(json, random);
    // Now and then two on one connection.
    const also = random.chance(0.1) ? bytesOf(delivery(event, random)) : Buffer.alloc(0);
    return { index, bytes: Buffer.concat([bytesOf(sound), also]), withheld: false };
  };
}

/** A request that frames and signs its hostile content rightly, so that all that is behind those sees it. */
function delivery(json: string, random: Random): FuzzRequest {
  const door = random.pick(DOORS);
  if (door.takesQueries && random.chance(0.5)) {
    const below = random.pick([
      '',
      '/track/A',
      '/identify',
      '/%00/%2e%2e',
      '//page//x',
      '/track/%zz',
    ]);
    return {
      method: random.pick(['GET', 'GET', 'DELETE', 'HEAD']),
      target: `${door.path}${below}?${encodeQuery(json)}`,
      headers: door.headersFor(Buffer.alloc(0)),
      body: Buffer.alloc(0),
      framing: 'none',
    };
  }
  const plain = encodeBody(json, random);
  const { body, headers } = random.chance(0.15) ? compress(plain, random) : plain;
  return {
    method: random.pick(['POST', 'POST', 'POST', 'PUT', 'PATCH']),
    target: door.path,
    headers: [...headers, ...door.headersFor(plain.body)],
    body,
    framing: random.chance(0.15) ? 'chunked' : 'length',
  };
}
