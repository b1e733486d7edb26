import type { JsonObject } from '../event/event.js';
import { objectOfFields } from './form-tree.js';
import type { Limits } from './limits.js';

/** The text fields of a multipart body, by name; a name given several times has all its values. */
export type MultipartFields = Record<string, string | string[]>;

/**
 * Reads a `multipart/form-data` body; `contentType` carries its boundary. Rejects with BODY_MALFORMED or LIMIT_EXCEEDED
 * where the body is at fault, and with nothing of status 4xx where we are.
 */
export type MultipartReader = (body: Buffer, contentType: string) => Promise<MultipartFields>;

/** The object that multipart fields stand for, by the rules of `objectOfFields`. Throws LIMIT_EXCEEDED. */
export function decodeMultipart(fields: MultipartFields, limits: Limits): JsonObject {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().map((text): [string, string] => [name, text]),
  );
  return objectOfFields(pairs, limits);
}
