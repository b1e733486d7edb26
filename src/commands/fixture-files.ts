import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors.js';
import { isObject } from '../event/event.js';
import type { Fixture } from '../inspect/record.js';
import { usage } from './send-options.js';

/** Several times the largest delivery that a receiver takes, as base64 within JSON. */
const LARGEST = 128 * 1024 * 1024;

export interface FixtureFile {
  readonly file: string;
  readonly fixture: Fixture;
  readonly body: Buffer;
}

/**
 * Reads recorded deliveries: of a directory every `*.json` in the order of its names, which begin with the time where
 * `tail --save` gave them. Throws CONFIG_INVALID for what is not there, or is no such file.
 */
export function readFixtures(places: readonly string[]): FixtureFile[] {
  return places.flatMap(filesAt).map(readFixture);
}

function filesAt(place: string): string[] {
  try {
    if (!statSync(place).isDirectory()) return [place];
    const files = readdirSync(place).filter((name) => name.endsWith('.json'));
    if (files.length > 0) return files.sort().map((name) => join(place, name));
  } catch (error) {
    throw usage(`--replay cannot read ${place}: ${messageOf(error)}`);
  }
  throw usage(`--replay ${place} holds no *.json; save deliveries there with trackbridge tail`);
}

function readFixture(file: string): FixtureFile {
  let value: unknown;
  try {
    if (statSync(file).size > LARGEST) throw new Error('it is larger than 128 MB');
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // Only the kind of a syntax error: its text quotes the payload.
    const why = error instanceof SyntaxError ? 'it is not JSON' : messageOf(error);
    throw usage(`--replay cannot read ${file}: ${why}`);
  }
  const fault = faultOf(value);
  if (fault !== undefined) {
    throw usage(`--replay ${file} is no recorded delivery: ${fault}; trackbridge tail --save`);
  }
  const fixture = value as Fixture;
  const { body } = fixture;
  const bytes = 'text' in body ? Buffer.from(body.text) : Buffer.from(body.base64, 'base64');
  return { file, fixture, body: bytes };
}

/** What keeps a value from being a Fixture. Nothing of it is quoted, since it may be anything. */
function faultOf(value: unknown): string | undefined {
  if (!isObject(value) || value['trackbridge'] !== 1) return 'it has no "trackbridge": 1';
  const { method, path, headers, body, masked, signed } = value;
  if (typeof method !== 'string' || !TOKEN.test(method)) return 'its method is none';
  if (typeof path !== 'string' || !PATH.test(path)) return 'its path is none';
  if (!Array.isArray(headers) || !headers.every(isLine)) return 'its headers are no lines';
  if (!isObject(body) || !(isText(body['text']) || isText(body['base64']))) {
    return 'its body is neither text nor base64';
  }
  if (!Array.isArray(masked) || !masked.every((name) => isText(name) && TOKEN.test(name))) {
    return 'its masked headers are no names';
  }
  if (signed !== undefined && !PARTS.has(signed)) return 'its signed part is none';
  return undefined;
}

const PARTS: ReadonlySet<unknown> = new Set(['body', 'first-element', 'first-element-json']);
/** A method or a header's name (RFC 9110). */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
/** What can stand in a request line. */
const PATH = /^\/[\x21-\xff]*$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function isLine(line: unknown): boolean {
  if (!Array.isArray(line) || line.length !== 2) return false;
  const [name, value] = line as unknown[];
  return isText(name) && TOKEN.test(name) && isText(value) && VALUE.test(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
