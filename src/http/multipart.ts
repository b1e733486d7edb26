import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import Koa from 'koa';
import { koaBody } from 'koa-body';
import { LIMITS } from '../decode/limits.js';
import type { MultipartReader } from '../decode/multipart.js';
import { TrackbridgeError } from '../errors.js';

/** The part of formidable's part that is looked at: a stream that knows its names. */
interface Part {
  readonly name: string | null;
  readonly originalFilename: string | null;
  readonly mimetype: string | null;
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
}

/**
 * Reads multipart bodies with koa-body. The bytes have been read already, for the signature's sake, so koa-body gets them
 * from a request that replays them. Files are not kept: formidable would leave them in the temporary folder; what is left
 * of one is its name, type and size. Errors: BODY_MALFORMED.
 */
export const readMultipart: MultipartReader = async (body, contentType) => {
  const request = new IncomingMessage(new Socket());
  request.method = 'POST';
  request.headers['content-type'] = contentType;
  request.headers['content-length'] = String(body.length);
  request.push(body);
  request.push(null);
  // Otherwise its end reads as a sender that hung up.
  request.complete = true;
  const ctx = new Koa().createContext(request, new ServerResponse(request));
  const files: [string, string][] = [];
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
  const fields = (ctx.request.body ?? {}) as Record<string, string | string[]>;
  return Object.fromEntries([...Object.entries(fields), ...files]);
};

function describeFile(part: Part, files: [string, string][]): void {
  let size = 0;
  part.on('data', (chunk) => {
    size += chunk.length;
  });
  part.on('end', () => {
    const file = { filename: part.originalFilename, type: part.mimetype, size };
    files.push([part.name ?? 'file', JSON.stringify(file)]);
  });
}
