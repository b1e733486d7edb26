import { createHmac } from 'node:crypto';
import { isObject, type JsonObject } from '../../core/json.js';
import { firstElement } from '../../verify/first-element.js';
import type { HeaderLine, HttpRequest } from '../../workbench/emulate/wire-request.js';
import { isHopHeader } from '../../workbench/inspect/headers.js';
import type { Fixture } from '../../workbench/inspect/record.js';
import { type FixtureFile, readFixtures } from '../fixture-files.js';
import { countOf, headerOf, type SendOptions, urlOf, usage } from './options.js';
import type { Delivery } from './run.js';

/** Recorded deliveries to send, and warnings about some of them. */
export interface Replay {
  readonly deliveries: readonly Delivery[];
  /** One sentence each, for standard error. */
  readonly warnings: readonly string[];
}

/** Options that conflict with `--replay`: all that define how events are made or encoded. */
const OTHERS = [
  'as',
  'form',
  'type',
  'event',
  'file',
  'method',
  'batch',
  'extras',
  'appendPath',
  'pathParam',
  'retry',
  'timeScale',
] as const;

/**
 * Returns the deliveries of `--replay`, in order. With `--count` it returns that many and starts over after the last.
 */
export function replayOf(options: SendOptions): Replay {
  const other = OTHERS.find((name) => options[name] !== undefined);
  if (other !== undefined) {
    const option = other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw usage(`--replay sends what was recorded; remove --${option}`);
  }
  const url = new URL(urlOf(options.to));
  const headers = (options.header ?? []).map(headerOf);
  const files = readFixtures(options.replay ?? []);
  const once = files.map((each): Delivery => {
    const request = requestOf(each, url, options.secret, headers);
    return { events: eventsIn(each.body), recorded: { file: each.file, request } };
  });
  const total = countOf(options) ?? once.length;
  return {
    deliveries: Array.from({ length: total }, (_, index) => once[index % once.length]).filter(
      (each) => each !== undefined,
    ),
    warnings: warningsOf(files, once, options.secret),
  };
}

function requestOf(
  { fixture, body }: FixtureFile,
  to: URL,
  secret: string | undefined,
  given: readonly HeaderLine[],
): HttpRequest {
  const own = secret === undefined ? [] : credentials(fixture, body, secret);
  const replaced = new Set([...own, ...given].map(([name]) => name.toLowerCase()));
  const kept = fixture.headers.filter(
    ([name]) => !isHopHeader(name) && !replaced.has(name.toLowerCase()),
  );
  const carries = body.length > 0 || !['GET', 'HEAD', 'DELETE'].includes(fixture.method);
  const length: HeaderLine[] = carries ? [['Content-Length', String(body.length)]] : [];
  return {
    method: fixture.method,
    origin: to.origin,
    requestUri: targetOf(fixture.path, to),
    headers: [
      ['Host', to.host],
      ...kept,
      ...[...own, ...given].map(
        ([name, value]): HeaderLine => [name, Buffer.from(value).toString('latin1')],
      ),
      ...length,
    ],
    valuesAreBytes: true,
    body,
  };
}

/**
 * Returns the recorded path, or that of `--to` if it has one, with the recorded query, in which the query of `--to`
 * overrides values.
 */
function targetOf(recorded: string, to: URL): string {
  const [path = '', ...rest] = recorded.split('?');
  const names = new Set(to.searchParams.keys());
  const pairs = rest.join('?').split('&');
  const query = [to.search.slice(1), ...pairs.filter((pair) => !names.has(nameOf(pair)))];
  const joined = query.filter((part) => part !== '').join('&');
  return (to.pathname === '/' ? path : to.pathname) + (joined === '' ? '' : `?${joined}`);
}

function nameOf(pair: string): string {
  return [...new URLSearchParams(pair).keys()][0] ?? '';
}

/** Headers masked for other reasons: other credentials, and what `admin.redact` hides. */
const NO_SECRETS =
  /^(cookie|proxy-authorization|forwarded|x-forwarded-for|x-real-ip|true-client-ip|cf-connecting-ip|x-trackbridge-event(-\d+)?)$/i;
const HEX_SHA1 = /^[0-9a-f]{40}$/i;

/**
 * Returns the headers that this secret produces: a new signature if the recorded one has Segment's form, else the
 * secret itself if a header other than a login's was masked.
 */
function credentials(
  { headers, masked, signed: part }: Fixture,
  body: Buffer,
  secret: string,
): HeaderLine[] {
  const signature = headers.find(
    ([name, value]) => name.toLowerCase() === 'x-signature' && HEX_SHA1.test(value),
  );
  const signed: HeaderLine[] =
    signature === undefined ? [] : [[signature[0], signatureOver(body, secret, part)]];
  const own = masked.filter((name) => !NO_SECRETS.test(name));
  const custom = own.filter((name) => name.toLowerCase() !== 'authorization');
  const shared = (custom.length > 0 ? custom : own).map((name): HeaderLine => [name, secret]);
  return [...signed, ...shared];
}

/**
 * Signs the part of the body that the recorded signature covered. If that is unknown, it follows Segment's rule: of a
 * batch the bytes of the first element, or of its `json`.
 */
function signatureOver(body: Buffer, secret: string, part: Fixture['signed']): string {
  const first = part === 'body' ? undefined : firstElement(body);
  const inner = part === 'first-element' ? undefined : first?.json;
  const signed = inner ?? first?.element ?? body;
  return createHmac('sha1', secret).update(signed).digest('hex');
}

/** Returns the events of a body, for the report of the attempt; a nameless one if they cannot be read. */
function eventsIn(body: Buffer): JsonObject[] {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return [{}];
  }
  const list = isObject(value) && Array.isArray(value['batch']) ? value['batch'] : value;
  if (!Array.isArray(list)) return [isObject(list) ? list : {}];
  return (list as unknown[]).map((item) => {
    if (!isObject(item)) return {};
    const { json, ...others } = item;
    return isObject(json) && Object.keys(others).length === 0 ? json : item;
  });
}

function warningsOf(
  files: readonly FixtureFile[],
  deliveries: readonly Delivery[],
  secret: string | undefined,
): string[] {
  const saying = (holds: (each: FixtureFile, index: number) => boolean, text: string): string[] => {
    const some = files.filter(holds);
    const [first] = some;
    if (first === undefined) return [];
    const more = some.length > 1 ? ` and ${some.length - 1} more` : '';
    return [`${first.file}${more}: ${text}`];
  };
  const without = (each: FixtureFile): boolean => secret === undefined && !each.fixture.redacted;
  return [
    ...saying(
      ({ fixture }) => secret === undefined && fixture.redacted,
      'values were redacted, so its signature will be invalid; use --secret',
    ),
    ...saying(
      (each) => without(each) && each.fixture.masked.length > 0,
      'headers were masked and are omitted; use --secret, or --header for a login',
    ),
    ...saying(
      (_, index) => MASK.test(deliveries[index]?.recorded?.request.requestUri ?? ''),
      'its query has a masked value; put the real one into the query of --to',
    ),
  ];
}

const MASK = /\[masked\]|%5bmasked%5d/i;
