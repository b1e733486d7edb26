import { Command, Option } from 'commander';
import { systemClock } from '../../core/clock.js';
import { messageOf, TrackbridgeError } from '../../core/errors.js';
import type { JsonObject } from '../../core/json.js';
import { oneLine, printable } from '../../core/printable.js';
import { type HttpRequest, printRequest } from '../../workbench/emulate/wire-request.js';
import { type CommandContext, printJson } from '../io.js';
import { deliveriesOf } from './events.js';
import {
  expectedOf,
  FORM_NAMES,
  planOf,
  rateOf,
  SECRETS,
  type SendOptions,
  type SendPlan,
  TYPES,
} from './options.js';
import { replayOf } from './replay.js';
import { judge, printAttempt, printSummary, progressOn } from './report.js';
import { openConnection } from './request.js';
import { type Attempt, type Run, runDeliveries } from './run.js';

/** Up to this number each attempt is a line; above it a summary is printed. */
const MOST_LINES = 50;

/** `trackbridge send`: sends deliveries exactly as Segment or RudderStack sends them, byte for byte. */
export function sendCommand(context: CommandContext): Command {
  return new Command('send')
    .description('send test deliveries exactly as Segment or RudderStack sends them')
    .optionsGroup('Receiver:')
    .requiredOption('--to <url>', 'URL of the receiver')
    .option(
      '--secret <secret>',
      'shared secret; other users of this machine can see it: prefer SEGMENT_SHARED_SECRET or RUDDERSTACK_SHARED_SECRET; with --replay, sign again',
    )
    .optionsGroup('Content:')
    .addOption(
      new Option('--as <vendor>', 'vendor to imitate; not with --replay').choices([
        'segment',
        'rudderstack',
      ]),
    )
    .addOption(
      new Option(
        '--form <name>',
        'destination to imitate; default: actions, for rudderstack webhook, or http-json with --batch',
      ).choices(FORM_NAMES),
    )
    .addOption(
      new Option('--type <type>', 'type of the generated events; default: track').choices(TYPES),
    )
    .option('--event <name>', 'name of the generated track event; default: Order Completed')
    .option('--file <file>', 'events to send instead: a JSON object, or an array of several')
    .option(
      '--extras <json>',
      'members that the settings of an audience add to every body after signing',
    )
    .option('--append-path <path>', 'with --form webhook, text that events append to the URL')
    .addOption(
      new Option(
        '--path-param <value>',
        "with --form http-*, path parameter: text, or '$.userId' for a value of the event; repeatable",
      ).argParser(repeated),
    )
    .option(
      '--replay <files...>',
      'recorded deliveries to send again, byte for byte: files or directories',
    )
    .option(
      '--method <method>',
      'POST, PUT or PATCH; for rudderstack also GET or DELETE; default: POST',
    )
    .addOption(
      new Option('--header <line>', "additional header, as 'Name: value'; repeatable").argParser(
        repeated,
      ),
    )
    .optionsGroup('Amount and pace:')
    .option(
      '--batch <n>',
      'send an array of N events per delivery; default: one event, not an array',
    )
    .option('--count <n>', 'number of deliveries; default: 1, with --file or --replay all of them')
    .option('--rate <n>', 'deliveries per second; default: one after the other')
    .option('--retry', 'retry on the schedule of the vendor')
    .option('--time-scale <n>', 'with --retry, speed up the schedule by this factor; default: 1')
    .optionsGroup('Result:')
    .option(
      '--expect <statuses>',
      "expected statuses, in order, as 'status:200' or 'status:200,503'; default: any 2xx",
    )
    .option('--dry-run', 'print the requests without sending them')
    .option('--json', 'print the attempts as one JSON array')
    .addHelpText(
      'after',
      '\nExits with 0 if every answer is 2xx, or as --expect lists; otherwise with 1.\n' +
        '\nRecorded deliveries (trackbridge tail --save) go to the server of --to. A path in --to replaces the recorded path.\n' +
        'The recorded query is kept; parameters in --to override it. With --secret, Segment’s signature is computed again\n' +
        'over the same bytes, and a masked secret is filled in.\n' +
        '\nExample:\n' +
        '  trackbridge send --to http://127.0.0.1:8080/segment --as segment --secret SECRET --batch 3\n' +
        '  trackbridge send --to http://127.0.0.1:8080 --replay recorded/ --expect status:200\n',
    )
    .action((options: SendOptions) => send(options, context));
}

function repeated(value: string, values: readonly string[] | undefined): readonly string[] {
  return [...(values ?? []), value];
}

/** The deliveries to send, from any origin. */
interface Job extends Pick<Run, 'vendor' | 'deliveries' | 'encode' | 'timeScale' | 'reform'> {
  /** Milliseconds to wait for one answer. */
  readonly timeout: number;
  /** Never shown. */
  readonly secret: string | undefined;
  /** What to do if the receiver does not authenticate the sender. */
  readonly advice?: string;
}

async function send(options: SendOptions, context: CommandContext): Promise<void> {
  const [expected, rate] = [expectedOf(options), rateOf(options)];
  const job = options.replay === undefined ? madeUp(options, context) : recorded(options, context);
  // All requests are built before the first is sent, so that an event directed at another server is found before
  // anything has happened.
  const requests = job.deliveries.map((each) => each.recorded?.request ?? job.encode(each.events));
  if (options.dryRun) {
    for (const request of requests) printDry(request, job.secret, context);
    return;
  }
  const isQuiet = options.json === true || requests.length > MOST_LINES;
  const progress = progressOn(context, requests.length > MOST_LINES ? requests.length : 0);
  const attempts: Attempt[] = [];
  const connection = openConnection();
  try {
    await runDeliveries({
      ...job,
      send: (request) => connection.send(request, job.timeout),
      rate,
      clock: systemClock,
      random: Math.random,
      onAttempt: (attempt) => {
        attempts.push(attempt);
        if (isQuiet) progress.show(attempts.length);
        else printAttempt(attempt, context);
      },
    });
  } finally {
    connection.close();
    progress.end();
  }
  if (options.json) printJson(attempts, context);
  else if (isQuiet) printSummary(attempts, context);
  judge(attempts, expected, context, job.advice);
}

function madeUp(options: SendOptions, context: CommandContext): Job {
  const plan = planOf(options, context);
  return {
    vendor: plan.vendor,
    deliveries: deliveriesOf(plan, systemClock).map((events) => ({ events })),
    encode: (events) => encodeFor(plan, events),
    timeScale: plan.timeScale,
    reform: plan.vendor === 'segment' ? plan.batch : undefined,
    timeout: plan.form.timeout,
    secret: plan.destination.secret,
    ...(plan.destination.secret === undefined && {
      advice: `; it was sent without a secret: set ${SECRETS[plan.vendor]} or --secret`,
    }),
  };
}

/** As long as either vendor waits. */
const REPLAY_TIMEOUT = 10_000;

function recorded(options: SendOptions, context: CommandContext): Job {
  const { deliveries, warnings } = replayOf(options);
  for (const warning of warnings) context.err.write(`trackbridge: ${oneLine(warning)}\n`);
  return {
    vendor: undefined,
    deliveries,
    encode: () => {
      throw new TypeError('a recorded delivery is not encoded');
    },
    timeScale: undefined,
    reform: undefined,
    timeout: REPLAY_TIMEOUT,
    secret: options.secret,
  };
}

/** Builds the request of these events. Throws CONFIG_INVALID if an event directs it to another server than `--to`. */
function encodeFor(plan: SendPlan, events: readonly JsonObject[]): HttpRequest {
  let request: HttpRequest;
  try {
    request = plan.form.encode(events, plan.destination, plan.batch !== undefined);
  } catch (error) {
    throw new TrackbridgeError(
      'CONFIG_INVALID',
      `an event cannot be sent: ${messageOf(error)}; check its fullPath, its appendPath and --path-param`,
    );
  }
  // The vendor would send it there, but a test must not send a recorded event to production.
  if (request.origin === new URL(plan.destination.url).origin) return request;
  throw new TrackbridgeError(
    'CONFIG_INVALID',
    `an event's fullPath or appendPath leads to ${request.origin}, not to the server of --to; change it`,
  );
}

/** A shared secret is in the request as plain text, so it is masked. */
function printDry(request: HttpRequest, secret: string | undefined, context: CommandContext): void {
  const headers = request.headers.map(
    ([name, value]) => [name, value === secret ? '***' : value] as const,
  );
  const lines = printRequest({ ...request, headers }).split('\r\n');
  context.out.write(`${lines.map((line) => printable(line)).join('\r\n')}\n`);
}
