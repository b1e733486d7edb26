import { FORMS, type Form } from '../emulate/forms.js';
import { SAMPLE_TYPES, type SampleType } from '../emulate/samples.js';
import type { Destination, HeaderLine } from '../emulate/wire-request.js';
import { TrackbridgeError } from '../errors.js';
import { isObject, type JsonObject, type Vendor } from '../event/event.js';
import type { CommandContext } from './io.js';

/** The options of `trackbridge send` as they stand on the command line. */
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

/** What they mean. */
export interface SendPlan {
  readonly vendor: Vendor;
  readonly form: Form;
  readonly destination: Destination;
  readonly type: SampleType;
  readonly event: string | undefined;
  readonly file: string | undefined;
  /** Events a batch; undefined where each event goes by itself. */
  readonly batch: number | undefined;
  /** Deliveries; undefined: one, or as many as the file has. */
  readonly count: number | undefined;
  readonly timeScale: number | undefined;
}

export const SECRETS: Readonly<Record<Vendor, string>> = {
  segment: 'SEGMENT_SHARED_SECRET',
  rudderstack: 'RUDDERSTACK_SHARED_SECRET',
};
/** The wire of a destination that was not named: batches are made by another one at RudderStack. */
const BATCHING: Readonly<Record<Vendor, string>> = { segment: 'actions', rudderstack: 'http-json' };

/** Reads the options. Throws CONFIG_INVALID, which is wrong usage, where they make no sense. */
export function planOf(options: SendOptions, context: CommandContext): SendPlan {
  const { as: vendor } = options;
  if (vendor === undefined) {
    throw usage('say whose deliveries: --as segment, --as rudderstack, or --replay FILE');
  }
  const batch = count(options.batch, '--batch');
  const name = options.form ?? (batch === undefined ? firstForm(vendor) : BATCHING[vendor]);
  const form = formOf(vendor, name);
  if (batch !== undefined && !form.takesBatches) {
    const which = vendor === 'rudderstack' ? 'use --form http-json' : 'leave --batch out';
    throw usage(`--form ${name} sends each event by itself; ${which}`);
  }
  const method = (options.method ?? 'POST').toUpperCase();
  if (!form.methods.includes(method)) {
    throw usage(`--form ${name} has no --method ${method}; take ${form.methods.join(', ')}`);
  }
  const type = options.type ?? (options.event === undefined ? form.type : undefined) ?? 'track';
  if (type === 'engage' && vendor !== 'segment') {
    throw usage('--type engage is what Segment sends; take --as segment');
  }
  if (options.extras !== undefined && !form.takesExtras) {
    throw usage('--extras belongs to --form audiences, audience-create and audience-get');
  }
  if (options.event !== undefined && type !== 'track') {
    throw usage('--event names a track event; leave --type out');
  }
  if (options.file !== undefined && (options.type ?? options.event) !== undefined) {
    throw usage('--file holds the events; leave --type and --event out');
  }
  if (options.timeScale !== undefined && options.retry === undefined) {
    throw usage('--time-scale shortens the waits of --retry; add --retry');
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
    },
    type,
    event: options.event,
    file: options.file,
    batch,
    count: countOf(options),
    timeScale: options.retry ? (positive(options.timeScale, '--time-scale') ?? 1) : undefined,
  };
}

/** Statuses that are to come, of `--expect`, in order; one stands for all. Undefined: each delivery is to end with 2xx. */
export function expectedOf({ expect }: SendOptions): readonly number[] | undefined {
  return expect === undefined ? undefined : statusesOf(expect);
}

/** Deliveries a second, of `--rate`. */
export function rateOf({ rate }: SendOptions): number | undefined {
  return positive(rate, '--rate');
}

/** Deliveries in all, of `--count`. */
export function countOf(options: SendOptions): number | undefined {
  return count(options.count, '--count');
}

/** The types that `--type` takes. */
export const TYPES: readonly string[] = SAMPLE_TYPES;

/** All names that `--form` takes, of both vendors. */
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
  throw usage(`${vendor} has no --form ${name}; take ${known}`);
}

/** `--to`, checked. The message goes without the text, which may hold a password. */
export function urlOf(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw usage('--to is not a URL; give one such as http://127.0.0.1:8080/segment');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw usage(
      '--to is neither http:// nor https://; give one such as http://127.0.0.1:8080/segment',
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw usage("--to holds credentials; give them as --header 'Authorization: ...'");
  }
  return text;
}

/** A line of `--header`. */
export function headerOf(text: string): HeaderLine {
  const colon = text.indexOf(':');
  const name = text.slice(0, colon);
  if (colon < 1 || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
    throw usage("--header is no header line; write it as 'Name: value'");
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
  throw usage(`--extras is no JSON object; write it as '{"list":"shoppers"}'`);
}

function statusesOf(text: string): number[] {
  const list = text.startsWith('status:') ? text.slice('status:'.length).split(',') : [];
  const statuses = list.map((status) => (/^\s*[1-5]\d\d\s*$/.test(status) ? Number(status) : 0));
  if (statuses.length > 0 && !statuses.includes(0)) return statuses;
  throw usage("--expect is not understood; write it as 'status:200' or 'status:200,200,503'");
}

function count(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isInteger(number) && number > 0 && number <= 10_000_000) return number;
  throw usage(`${option} is not a whole number from 1 to 10000000; give one such as 10`);
}

function positive(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw usage(`${option} is not a number above 0; give one such as 10`);
}

/** Wrong usage. `message` says what to change. */
export function usage(message: string): TrackbridgeError {
  return new TrackbridgeError('CONFIG_INVALID', message);
}
