import { brotliCompressSync, constants } from 'node:zlib';

/** The default of `server.bodyLimit`. */
const LARGEST = 8 * 1024 * 1024;

/** The default of `server.queryLimit`, less what else is in a head. */
const LARGEST_HEAD = 500 * 1024;

/** What a stranger sends again and again on one connection, each time as soon as it is answered. */
export interface Attack {
  readonly connections: number;
  readonly bytes: Buffer;
}

const SIGNED = {
  'content-type': 'application/json',
  'x-signature': '0123456789abcdef0123456789abcdef01234567',
};
const FORM = { 'content-type': 'application/x-www-form-urlencoded', 'content-encoding': 'br' };
const STRANGER = { 'x-signature': 'no secret of anybody', 'content-encoding': 'br' };

export const ATTACKERS = 30;

/**
 * What costs a receiver the most that looks before it knows who sent it: by name, what to send. All of it is as large as the
 * defaults of `server.bodyLimit` and `server.queryLimit` allow, before or after inflating.
 */
export const ATTACKS = {
  /** A first element of nothing but members. */
  members: () => request('/segment', SIGNED, filled('[{', '"":1,', '"z":1},1]')),
  /** Three candidates for the signature, each nearly as large as the body. */
  wrapped: () => request('/segment', SIGNED, filled('[{"json":{', '"":1,', '"z":1}},1]')),
  /** A few bytes that inflate to as many candidates for a write key as there is room for. */
  keys: () => request('/keyed', FORM, compressed(filled('', 'writeKey=&', ''))),
  /** A few bytes that inflate to as much as there is room for, where a header alone decides. */
  inflated: () => request('/rudderstack', STRANGER, compressed(filled('{', '"":1,', '"z":1}'))),
  /** Heads that never end, on as many connections as it takes to fill the memory. */
  heads: () => ({
    connections: 10 * ATTACKERS,
    bytes: Buffer.from(`POST /segment HTTP/1.1\r\nhost: x\r\nx-fill: ${'x'.repeat(LARGEST_HEAD)}`),
  }),
} satisfies Record<string, () => Attack>;

export type AttackName = keyof typeof ATTACKS;

function filled(start: string, part: string, end: string): Buffer {
  const room = LARGEST - start.length - end.length;
  return Buffer.from(start + part.repeat(Math.floor(room / part.length)) + end);
}

function compressed(body: Buffer): Buffer {
  return brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
}

function request(path: string, headers: Readonly<Record<string, string>>, body: Buffer): Attack {
  const lines = Object.entries({ host: 'x', ...headers, 'content-length': String(body.length) });
  const head = lines.map(([key, value]) => `${key}: ${value}\r\n`).join('');
  const bytes = Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${head}\r\n`), body]);
  return { connections: ATTACKERS, bytes };
}
