import { TrackbridgeError } from '../../core/errors.js';
import { isObject, type JsonObject } from '../../core/json.js';
import type { Vendor } from '../../event/event.js';
import { FORMS, type Form } from '../../workbench/emulate/forms.js';
import { SAMPLE_TYPES, type SampleType } from '../../workbench/emulate/samples.js';
import type { Destination, HeaderLine } from '../../workbench/emulate/wire-request.js';
import type { CommandContext } from '../io.js';

/** The options of `trackbridge send` as written on the command line. */
export interface SendOptions {
  readonly to: string;
  readonly as?: Vendor;
  readonly replay?: readonly string[];
  readonly form?: string;
  readonly type?: SampleType;
  readonly event?: string;
  readonly method?: string;
  readonly secret?: string;
  readonly header?: readonly string[];
  readonly extras?: string;
  readonly appendPath?: string;
  readonly pathParam?: readonly string[];
  readonly batch?: string;
  readonly file?: string;
  readonly count?: string;
  readonly rate?: string;
  readonly retry?: true;
  readonly timeScale?: string;
  readonly expect?: string;
  readonly dryRun?: true;
  readonly json?: true;
}

/** The parsed options. */
export interface SendPlan {
  readonly vendor: Vendor;
  readonly form: Form;
  readonly destination: Destination;
  readonly type: SampleType;
  readonly event: string | undefined;
  readonly file: string | undefined;
  /** Events per batch; undefined if each event is sent alone. */
  readonly batch: number | undefined;
  /** Number of deliveries; undefined: one, or as many as the file has. */
  readonly count: number | undefined;
  readonly timeScale: number | undefined;
}

export const SECRETS: Readonly<Record<Vendor, string>> = {
  segment: 'SEGMENT_SHARED_SECRET',
  rudderstack: 'RUDDERSTACK_SHARED_SECRET',
};
/** The default destination for batches. At RudderStack it differs from the default for single events. */
const BATCHING: Readonly<Record<Vendor, string>> = { segment: 'actions', rudderstack: 'http-json' };

/** Parses the options. Throws CONFIG_INVALID, a usage error, if they contradict each other. */
export function planOf(options: SendOptions, context: CommandContext): SendPlan {
  const { as: vendor } = options;
  if (vendor === undefined) {
    throw usage('select what to send with --as segment, --as rudderstack or --replay FILE');
  }
  const batch = count(options.batch, '--batch');
  const name = options.form ?? (batch === undefined ? firstForm(vendor) : BATCHING[vendor]);
  const form = formOf(vendor, name);
  if (batch !== undefined && !form.takesBatches) {
    const which = vendor === 'rudderstack' ? 'use --form http-json' : 'leave --batch out';
    throw usage(`--form ${name} sends one event per delivery; ${which}`);
  }
  const method = (options.method ?? 'POST').toUpperCase();
  if (!form.methods.includes(method)) {
    throw usage(
      `--form ${name} does not support --method ${method}; use ${form.methods.join(', ')}`,
    );
  }
  const type = options.type ?? (options.event === undefined ? form.type : undefined) ?? 'track';
  if (type === 'engage' && vendor !== 'segment') {
    throw usage('--type engage requires --as segment');
  }
  if (options.extras !== undefined && !form.takesExtras) {
    throw usage('--extras requires --form audiences, audience-create or audience-get');
  }
  if (options.appendPath !== undefined && form.path !== 'appendPath') {
    throw usage('--append-path requires --as rudderstack --form webhook');
  }
  if (options.pathParam !== undefined && form.path !== 'pathParams') {
    throw usage('--path-param requires --as rudderstack --form http-json, http-form or http-xml');
  }
  if (options.event !== undefined && type !== 'track') {
    throw usage('--event names a track event; remove --type');
  }
  if (options.file !== undefined && (options.type ?? options.event) !== undefined) {
    throw usage('--file contains the events; remove --type and --event');
  }
  if (options.timeScale !== undefined && options.retry === undefined) {
    throw usage('--time-scale requires --retry');
  }
  return {
    vendor,
    form,
    destination: {
      url: urlOf(options.to),
      method,
      headers: (options.header ?? []).map(headerOf),
      secret: options.secret ?? (context.env[SECRETS[vendor]] || undefined),
      ...(options.extras === undefined ? {} : { extras: extrasOf(options.extras) }),
      ...(options.appendPath === undefined ? {} : { appendPath: options.appendPath }),
      ...(options.pathParam === undefined ? {} : { pathParams: options.pathParam }),
    },
    type,
    event: options.event,
    file: options.file,
    batch,
    count: countOf(options),
    timeScale: options.retry ? (positive(options.timeScale, '--time-scale') ?? 1) : undefined,
  };
}

/**
 * Returns the statuses of `--expect`, in order; a single one applies to all. Undefined: each delivery should end with
 * 2xx.
 */
export function expectedOf({ expect }: SendOptions): readonly number[] | undefined {
  return expect === undefined ? undefined : statusesOf(expect);
}

/** Returns deliveries per second, from `--rate`. */
export function rateOf({ rate }: SendOptions): number | undefined {
  return positive(rate, '--rate');
}

/** Returns the total number of deliveries, from `--count`. */
export function countOf(options: SendOptions): number | undefined {
  return count(options.count, '--count');
}

/** The types that `--type` accepts. */
export const TYPES: readonly string[] = SAMPLE_TYPES;

/** All names that `--form` accepts, of both vendors. */
export const FORM_NAMES: readonly string[] = Object.values(FORMS).flatMap((forms) =>
  Object.keys(forms),
);

function firstForm(vendor: Vendor): string {
  return Object.keys(FORMS[vendor])[0] ?? '';
}

function formOf(vendor: Vendor, name: string): Form {
  const form = FORMS[vendor][name];
  if (form !== undefined) return form;
  const known = Object.keys(FORMS[vendor]).join(', ');
  throw usage(`${vendor} has no --form ${name}; use ${known}`);
}

/** Validates `--to`. The message omits the text, which may hold a password. */
export function urlOf(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw usage('--to must be a URL such as http://127.0.0.1:8080/segment');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw usage('--to must be an http:// or https:// URL such as http://127.0.0.1:8080/segment');
  }
  if (url.username !== '' || url.password !== '') {
    throw usage("--to contains credentials; use --header 'Authorization: ...' instead");
  }
  return text;
}

/** Parses a `--header` line. */
export function headerOf(text: string): HeaderLine {
  const colon = text.indexOf(':');
  const name = text.slice(0, colon);
  if (colon < 1 || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
    throw usage("--header is not a header line; write it as 'Name: value'");
  }
  return [name, text.slice(colon + 1).trim()];
}

function extrasOf(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isObject(value)) return value;
  throw usage(`--extras must be a JSON object, such as '{"list":"shoppers"}'`);
}

function statusesOf(text: string): number[] {
  const list = text.startsWith('status:') ? text.slice('status:'.length).split(',') : [];
  const statuses = list.map((status) => (/^\s*[1-5]\d\d\s*$/.test(status) ? Number(status) : 0));
  if (statuses.length > 0 && !statuses.includes(0)) return statuses;
  throw usage("--expect is invalid; write it as 'status:200' or 'status:200,200,503'");
}

function count(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isInteger(number) && number > 0 && number <= 10_000_000) return number;
  throw usage(`${option} must be a whole number from 1 to 10000000`);
}

function positive(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw usage(`${option} must be a number above 0`);
}

/** Returns a usage error. `message` says what to change. */
export function usage(message: string): TrackbridgeError {
  return new TrackbridgeError('CONFIG_INVALID', message);
}
