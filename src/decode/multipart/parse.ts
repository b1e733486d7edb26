import { TrackbridgeError } from '../../core/errors.js';
import type { JsonObject } from '../../core/json.js';
import { objectOfFields } from '../form/tree.js';
import type { Limits } from '../limits.js';
import { tooManyKeys } from '../sanitize.js';
import { dispositionOf, headersOf } from './headers.js';

/** The description of a file in a multipart body. The content is not kept. */
export interface MultipartFile {
  readonly filename: string;
  /** The media type, if given. */
  readonly type: string | null;
  /** Bytes. */
  readonly size: number;
  /** The headers of the part, with names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** One part: a field's text, or a file. */
export type MultipartPart =
  | { readonly name: string; readonly text: string }
  | { readonly name: string; readonly file: MultipartFile };

const DASH = 0x2d;
const NO_BYTES = Buffer.alloc(0);

/**
 * Builds the object that a `multipart/form-data` body describes, by the rules of `objectOfFields`. A file becomes
 * `{filename, type, size}` under its field's name. Throws as `readMultipart` does.
 */
export function decodeMultipart(body: Buffer, boundary: string, limits: Limits): JsonObject {
  const parts = readMultipart(body, boundary, limits);
  return objectOfFields(parts.map(fieldOf), limits);
}

function fieldOf(part: MultipartPart): readonly [string, string] {
  if ('text' in part) return [part.name, part.text];
  const { filename, type, size } = part.file;
  return [part.name, JSON.stringify({ filename, type, size })];
}

/**
 * Returns the parts of a `multipart/form-data` body (RFC 7578), in order. Text before the first boundary and after the
 * last is ignored.
 *
 * The body is already in memory, because the signature needs it, so the boundaries are found by searching: 8 MB of line
 * ends take 10 ms. formidable, which koa-body is built on, treats each line end as a possible boundary and takes 900
 * ms. Throws BODY_MALFORMED if a part is malformed or the last boundary is missing, LIMIT_EXCEEDED for more than
 * `limits.keys` parts.
 */
export function readMultipart(body: Buffer, boundary: string, limits: Limits): MultipartPart[] {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const parts: MultipartPart[] = [];
  let { start, isLast } = firstBoundary(body, delimiter);
  while (!isLast) {
    if (parts.length >= limits.keys) throw tooManyKeys(limits);
    const next = nextBoundary(body, delimiter, start);
    parts.push(partOf(body.subarray(start, next.at)));
    ({ start, isLast } = next);
  }
  return parts;
}

/** Returns the boundary that the body's first line shows, if the body begins like multipart. */
export function boundaryOf(body: Buffer): string | undefined {
  if (body[0] !== DASH || body[1] !== DASH) return undefined;
  // RFC 2046 allows 70 characters.
  const [, boundary] = /^--([^\r\n]{1,70}?)[ \t]*\r\n(?:[\w-]+:|\r\n)/.exec(
    body.toString('latin1', 0, 200),
  ) ?? [undefined];
  return boundary;
}

interface Boundary {
  /** The offset of the boundary, including its line break. */
  readonly at: number;
  /** The offset after the boundary. */
  readonly start: number;
  readonly isLast: boolean;
}

function firstBoundary(body: Buffer, delimiter: Buffer): Boundary {
  // The first boundary needs no line break before it.
  const own = delimiter.subarray(2);
  if (body.subarray(0, own.length).equals(own)) {
    const end = endOfBoundary(body, own.length);
    if (end !== undefined) return { at: 0, ...end };
  }
  return nextBoundary(body, delimiter, 0);
}

function nextBoundary(body: Buffer, delimiter: Buffer, from: number): Boundary {
  // In a part without content, the line break after the headers also belongs to the boundary.
  const first = Math.max(0, from - 2);
  for (let at = body.indexOf(delimiter, first); at !== -1; at = body.indexOf(delimiter, at + 2)) {
    const end = endOfBoundary(body, at + delimiter.length);
    if (end !== undefined) return { at, ...end };
  }
  throw malformed('the last boundary is missing; the body may have been cut off');
}

/** Undefined if the text only begins like the boundary. */
function endOfBoundary(body: Buffer, from: number): Omit<Boundary, 'at'> | undefined {
  if (body[from] === DASH && body[from + 1] === DASH) return { start: from + 2, isLast: true };
  let at = from;
  while (body[at] === 0x20 || body[at] === 0x09) at++;
  if (body[at] === 0x0d && body[at + 1] === 0x0a) return { start: at + 2, isLast: false };
  return undefined;
}

function partOf(part: Buffer): MultipartPart {
  const isBare = part[0] === 0x0d && part[1] === 0x0a;
  const headEnd = isBare ? 0 : part.indexOf('\r\n\r\n');
  // Without content, the line break of the boundary also ends the headers.
  const head = headEnd === -1 ? part : part.subarray(0, headEnd);
  const content = headEnd === -1 ? NO_BYTES : part.subarray(headEnd + (isBare ? 2 : 4));
  const headers = headersOf(head.toString('utf8').trimEnd());
  if (headers === undefined) throw malformed('the headers of a part cannot be read');
  const { name, filename } = dispositionOf(headers['content-disposition'] ?? '');
  const bytes = decoded(content, headers['content-transfer-encoding']);
  if (filename === undefined) return { name: name ?? '', text: bytes.toString('utf8') };
  const type = headers['content-type'] ?? null;
  return { name: name ?? 'file', file: { filename, type, size: bytes.length, headers } };
}

/** Decodes `Content-Transfer-Encoding`. Browsers never encode parts, but some mail libraries do. */
function decoded(content: Buffer, encoding = ''): Buffer {
  return encoding.trim().toLowerCase() === 'base64'
    ? Buffer.from(content.toString('latin1'), 'base64')
    : content;
}

function malformed(detail: string): TrackbridgeError {
  return new TrackbridgeError(
    'BODY_MALFORMED',
    `the multipart body cannot be read: ${detail}; send it as it was serialized`,
  );
}
