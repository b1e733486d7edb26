import type { JsonObject } from '../event/event.js';
import { objectOfFields } from './form-tree.js';
import type { Limits } from './limits.js';

/** The text fields of a multipart body, by name; a name given several times has all its values. */
export type MultipartFields = Readonly<Record<string, string | string[]>>;

/** What is kept of a file in a multipart body: not its content. */
export interface MultipartFile {
  /** Of the form's field. */
  readonly name: string;
  readonly filename: string;
  /** Its media type, where it has one. */
  readonly type: string | null;
  /** In bytes. */
  readonly size: number;
  /** The headers of its part, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A multipart body, its files apart from its fields. */
export interface Multipart {
  readonly fields: MultipartFields;
  readonly files: readonly MultipartFile[];
}

/**
 * Reads a `multipart/form-data` body; `contentType` carries its boundary. Rejects with BODY_MALFORMED or LIMIT_EXCEEDED
 * where the body is at fault, and with nothing of status 4xx where we are.
 */
export type MultipartReader = (body: Buffer, contentType: string) => Promise<Multipart>;

/**
 * The object that a multipart body stands for, by the rules of `objectOfFields`. A file is `{filename, type, size}` under
 * its field's name. Throws LIMIT_EXCEEDED.
 */
export function decodeMultipart({ fields, files }: Multipart, limits: Limits): JsonObject {
  const described = files.map(({ name, filename, type, size }): [string, string] => [
    name,
    JSON.stringify({ filename, type, size }),
  ]);
  const members = new Map([...Object.entries(fields), ...described]);
  const pairs = [...members].flatMap(([name, value]) =>
    [value].flat().map((text): [string, string] => [name, text]),
  );
  return objectOfFields(pairs, limits);
}
