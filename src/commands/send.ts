import { Command, Option } from 'commander';
import { systemClock } from '../clock.js';
import { type HttpRequest, printRequest } from '../emulate/wire-request.js';
import { messageOf, TrackbridgeError } from '../errors.js';
import type { JsonObject } from '../event/event.js';
import { printable } from '../sinks/printable.js';
import { type CommandContext, oneLine, printJson } from './io.js';
import { deliveriesOf } from './send-events.js';
import {
  expectedOf,
  FORM_NAMES,
  planOf,
  rateOf,
  SECRETS,
  type SendOptions,
  type SendPlan,
  TYPES,
} from './send-options.js';
import { replayOf } from './send-replay.js';
import { judge, printAttempt, printSummary, progressOn } from './send-report.js';
import { openConnection } from './send-request.js';
import { type Attempt, type Run, runDeliveries } from './send-run.js';

/** Up to here each attempt is a line, beyond it there is a summary. */
const MOST_LINES = 50;

/** `trackbridge send`: deliveries as Segment or RudderStack sends them, byte for byte. */
export function sendCommand(context: CommandContext): Command {
  return new Command('send')
    .description('send test deliveries exactly as Segment or RudderStack does')
    .requiredOption('--to <url>', 'where to')
    .addOption(
      new Option('--as <vendor>', 'whose deliveries; not with --replay').choices([
        'segment',
        'rudderstack',
      ]),
    )
    .addOption(
      new Option(
        '--form <name>',
        'which destination of it: actions, classic, extensible, audiences, audience-create, audience-get; webhook, http-json, http-form, http-xml',
      ).choices(FORM_NAMES),
    )
    .addOption(
      new Option('--type <type>', 'what kind of made-up event; default track').choices(TYPES),
    )
    .option('--event <name>', 'the name of the track event; default Order Completed')
    .option('--file <file>', 'events of your own: a JSON object, or an array of several')
    .option('--extras <json>', 'what the settings of an audience add to every body')
    .option(
      '--replay <files...>',
      'recorded deliveries again, byte for byte: files, or directories of them',
    )
    .option('--method <method>', 'POST, PUT, PATCH; for rudderstack also GET and DELETE')
    .option(
      '--secret <secret>',
      'the shared secret; others on this machine can see it, so set SEGMENT_SHARED_SECRET or RUDDERSTACK_SHARED_SECRET instead where they matter; with --replay: signs anew',
    )
    .addOption(
      new Option('--header <line>', "a static header, 'Name: value'; may be repeated").argParser(
        (line: string, lines: readonly string[] | undefined) => [...(lines ?? []), line],
      ),
    )
    .option('--batch <n>', 'so many events in each delivery, as an array')
    .option('--count <n>', 'so many deliveries')
    .option('--rate <n>', 'so many deliveries a second; without it one after the other')
    .option('--retry', 'try again when the vendor would, for as long as it would')
    .option('--time-scale <n>', 'with --retry: so many times faster')
    .option('--expect <statuses>', "fail unless answered so: 'status:200', 'status:200,200,503'")
    .option('--dry-run', 'print the requests instead of sending them')
    .option('--json', 'the attempts as one JSON array')
    .addHelpText(
      'after',
      '\nExits with 0 where every delivery ended with 2xx, or as --expect says; otherwise with 1.\n' +
        '\nRecorded deliveries (trackbridge tail --save) go to the server of --to. A path in --to takes the place of the\n' +
        'recorded one; the recorded query stays, but for what the query of --to says otherwise. With --secret Segment’s\n' +
        'signature is made anew over the same bytes, by its rule for batches, and a secret that was masked is filled in.\n' +
        '\nExample:\n' +
        '  trackbridge send --to http://127.0.0.1:8080/segment --as segment --secret SECRET --batch 3\n' +
        '  trackbridge send --to http://127.0.0.1:8080 --replay recorded/ --expect status:200\n',
    )
    .action((options: SendOptions) => send(options, context));
}

/** What is sent, wherever it comes from. */
interface Job extends Pick<Run, 'vendor' | 'deliveries' | 'encode' | 'timeScale' | 'reform'> {
  /** Milliseconds for one answer. */
  readonly timeout: number;
  /** Not to be shown. */
  readonly secret: string | undefined;
  /** What to do where the receiver does not know the sender. */
  readonly advice?: string;
}

async function send(options: SendOptions, context: CommandContext): Promise<void> {
  const [expected, rate] = [expectedOf(options), rateOf(options)];
  const job = options.replay === undefined ? madeUp(options, context) : recorded(options, context);
  // All of them before the first is sent: an event that steers elsewhere is found before anything has happened.
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
      advice: `; it went without a secret: set ${SECRETS[plan.vendor]} or give --secret`,
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

/** The request of these events. Throws CONFIG_INVALID where an event leads to another server than `--to`. */
function encodeFor(plan: SendPlan, events: readonly JsonObject[]): HttpRequest {
  let request: HttpRequest;
  try {
    request = plan.form.encode(events, plan.destination, plan.batch !== undefined);
  } catch (error) {
    throw new TrackbridgeError(
      'CONFIG_INVALID',
      `an event cannot be sent: ${messageOf(error)}; look at its fullPath and appendPath`,
    );
  }
  // The vendor would go there; a test that a recorded event leads into production would be none.
  if (request.origin === new URL(plan.destination.url).origin) return request;
  throw new TrackbridgeError(
    'CONFIG_INVALID',
    `an event's fullPath or appendPath leads to ${request.origin}, not to where --to says; change it`,
  );
}

/** A shared secret stands in the request as it is, so it is masked. */
function printDry(request: HttpRequest, secret: string | undefined, context: CommandContext): void {
  const headers = request.headers.map(
    ([name, value]) => [name, value === secret ? '***' : value] as const,
  );
  const lines = printRequest({ ...request, headers }).split('\r\n');
  context.out.write(`${lines.map((line) => printable(line)).join('\r\n')}\n`);
}
