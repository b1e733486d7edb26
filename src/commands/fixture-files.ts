import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../core/errors.js';
import { isObject } from '../core/json.js';
import type { Fixture } from '../workbench/inspect/record.js';
import { usage } from './send/options.js';

/** Several times the largest delivery that a receiver accepts, as base64 in JSON. */
const LARGEST = 128 * 1024 * 1024;

export interface FixtureFile {
  readonly file: string;
  readonly fixture: Fixture;
  readonly body: Buffer;
}

/**
 * Reads recorded deliveries. Of a directory it reads every `*.json` in order of name; names from `tail --save` begin
 * with the time. Throws CONFIG_INVALID for a missing or invalid file.
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
  throw usage(
    `--replay ${place} has no *.json files; save deliveries there with trackbridge tail --save`,
  );
}

function readFixture(file: string): FixtureFile {
  let value: unknown;
  try {
    if (statSync(file).size > LARGEST) throw new Error('it is larger than 128 MB');
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // Only the kind of a syntax error is shown, because its text quotes the payload.
    const why = error instanceof SyntaxError ? 'it is not JSON' : messageOf(error);
    throw usage(`--replay cannot read ${file}: ${why}`);
  }
  const fault = faultOf(value);
  if (fault !== undefined) {
    throw usage(`--replay ${file} is not a recorded delivery: ${fault}; trackbridge tail --save`);
  }
  const fixture = value as Fixture;
  const { body } = fixture;
  const bytes = 'text' in body ? Buffer.from(body.text) : Buffer.from(body.base64, 'base64');
  return { file, fixture, body: bytes };
}

/** Returns why a value is not a Fixture. It quotes nothing of the value, which may be anything. */
function faultOf(value: unknown): string | undefined {
  if (!isObject(value) || value['trackbridge'] !== 1) return 'it has no "trackbridge": 1';
  const { method, path, headers, body, masked, signed } = value;
  if (typeof method !== 'string' || !TOKEN.test(method)) return 'its method is invalid';
  if (typeof path !== 'string' || !PATH.test(path)) return 'its path is invalid';
  if (!Array.isArray(headers) || !headers.every(isLine)) return 'its headers are invalid';
  if (!isObject(body) || !(isText(body['text']) || isText(body['base64']))) {
    return 'its body is neither text nor base64';
  }
  if (!Array.isArray(masked) || !masked.every((name) => isText(name) && TOKEN.test(name))) {
    return 'its masked headers are invalid';
  }
  if (signed !== undefined && !PARTS.has(signed)) return 'its signed part is unknown';
  return undefined;
}

const PARTS: ReadonlySet<unknown> = new Set(['body', 'first-element', 'first-element-json']);
/** A method or a header's name (RFC 9110). */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
/** The characters allowed in a request line. */
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
