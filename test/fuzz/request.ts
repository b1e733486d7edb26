/** A request in parts, so that a mutation can change one and leave the others sound. */
export interface FuzzRequest {
  readonly method: string;
  readonly target: string;
  /** Without framing: `bytesOf` adds Content-Length or Transfer-Encoding. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  /** `none` is a request without a body and without a length. */
  readonly framing: 'length' | 'chunked' | 'none';
}

const CHUNK = 97;

/** The request as it goes over the wire. Header values are latin1, as HTTP has them. */
export function bytesOf(request: FuzzRequest): Buffer {
  const headers = [...request.headers, ...framingOf(request)];
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = Buffer.from(
    `${request.method} ${request.target} HTTP/1.1\r\nHost: t\r\n${lines}\r\n`,
    'latin1',
  );
  if (request.framing === 'none') return head;
  if (request.framing === 'length') return Buffer.concat([head, request.body]);
  return Buffer.concat([head, ...chunksOf(request.body)]);
}

function framingOf({ framing, body }: FuzzRequest): readonly (readonly [string, string])[] {
  if (framing === 'none') return [];
  return framing === 'length'
    ? [['Content-Length', String(body.length)]]
    : [['Transfer-Encoding', 'chunked']];
}

function chunksOf(body: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  const size = Math.max(CHUNK, Math.ceil(body.length / 8));
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.subarray(at, at + size);
    chunks.push(Buffer.from(`${chunk.length.toString(16)};a="b"\r\n`), chunk, Buffer.from('\r\n'));
  }
  chunks.push(Buffer.from('0\r\nx-signature: trailer\r\n\r\n'));
  return chunks;
}
