import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import Koa from 'koa';
import { koaBody } from 'koa-body';
import { LIMITS } from '../decode/limits.js';
import type { MultipartFields, MultipartFile, MultipartReader } from '../decode/multipart.js';
import { TrackbridgeError } from '../errors.js';

const CARRIAGE_RETURN = 0x0d;
/** A field takes four: its boundary, its header, an empty one, and its text. */
const LINES_A_KEY = 4;

/** The part of formidable's part that is looked at: a stream that knows its names. */
interface Part {
  readonly name: string | null;
  readonly originalFilename: string | null;
  readonly mimetype: string | null;
  readonly headers: Readonly<Record<string, string>>;
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
}

/**
 * Reads multipart bodies with koa-body. The bytes have been read already, for the signature's sake, so koa-body gets them
 * from a request that replays them. Files are not kept: formidable would leave them in the temporary folder; what is left
 * of one is its name, type, size and headers. Errors: BODY_MALFORMED, LIMIT_EXCEEDED.
 */
export const readMultipart: MultipartReader = async (body, contentType) => {
  refuseManyLines(body);
  const request = new IncomingMessage(new Socket());
  request.method = 'POST';
  request.headers['content-type'] = contentType;
  request.headers['content-length'] = String(body.length);
  request.push(body);
  request.push(null);
  // Otherwise its end reads as a sender that hung up.
  request.complete = true;
  const ctx = new Koa().createContext(request, new ServerResponse(request));
  const files: MultipartFile[] = [];
  const parse = koaBody({
    multipart: true,
    json: false,
    urlencoded: false,
    text: false,
    formidable: {
      maxFields: LIMITS.keys,
      maxFieldsSize: Math.max(1, body.length),
      onPart(part: Part, keep: (part: never) => void) {
        if (part.originalFilename === null) keep(part as never);
        else describeFile(part, files);
      },
    } as never, // koa-body's types name formidable's own Part, whose package is not ours to import from
  });
  try {
    await parse(ctx, async () => undefined);
  } catch (error) {
    // formidable numbers its own complaints, all of them about the body; anything else is a fault on this side.
    const isFormidables = typeof (error as { code?: unknown }).code === 'number';
    throw new TrackbridgeError(
      isFormidables ? 'BODY_MALFORMED' : 'INTERNAL',
      isFormidables
        ? 'the body is not valid multipart: a part is malformed, or it ends too soon'
        : 'multipart cannot be read now',
      { cause: error },
    );
  }
  return { fields: (ctx.request.body ?? {}) as MultipartFields, files };
};

/** A line that is no boundary is a piece of its own to formidable: 2 million of them stop the event loop for four seconds. */
function refuseManyLines(body: Buffer): void {
  let lines = 0;
  for (let at = body.indexOf(CARRIAGE_RETURN); at !== -1; ) {
    if (++lines > LINES_A_KEY * LIMITS.keys) {
      throw new TrackbridgeError(
        'LIMIT_EXCEEDED',
        `the multipart body has over ${LINES_A_KEY * LIMITS.keys} lines; send fewer fields, or texts of fewer lines`,
      );
    }
    at = body.indexOf(CARRIAGE_RETURN, at + 1);
  }
}

function describeFile(part: Part, files: MultipartFile[]): void {
  let size = 0;
  part.on('data', (chunk) => {
    size += chunk.length;
  });
  part.on('end', () => {
    const { originalFilename, mimetype: type, headers } = part;
    files.push({
      name: part.name ?? 'file',
      filename: originalFilename ?? '',
      type,
      size,
      headers,
    });
  });
}
