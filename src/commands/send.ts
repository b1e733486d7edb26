import { Command, Option } from 'commander';
import { systemClock } from '../clock.js';
import { printRequest, type WireRequest } from '../emulate/wire-request.js';
import { messageOf, TrackbridgeError } from '../errors.js';
import type { JsonObject } from '../event/event.js';
import { printable } from '../sinks/printable.js';
import { type CommandContext, EXIT, oneLine, printJson } from './io.js';
import { deliveriesOf } from './send-events.js';
import { FORM_NAMES, planOf, type SendOptions, type SendPlan, TYPES } from './send-options.js';
import { openConnection } from './send-request.js';
import { type Attempt, runDeliveries } from './send-run.js';

/** Up to here each attempt is a line, beyond it there is a summary. */
const MOST_LINES = 50;
/** How often the progress on a terminal is drawn, in attempts. */
const PROGRESS_STEP = 10;

/** `trackbridge send`: deliveries as Segment or RudderStack sends them, byte for byte. */
export function sendCommand(context: CommandContext): Command {
  return new Command('send')
    .description('send test deliveries exactly as Segment or RudderStack does')
    .requiredOption('--to <url>', 'where to')
    .addOption(
      new Option('--as <vendor>', 'whose deliveries')
        .choices(['segment', 'rudderstack'])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '--form <name>',
        'which destination of it: actions, classic, extensible; webhook, http-json, http-form, http-xml',
      ).choices(FORM_NAMES),
    )
    .addOption(
      new Option('--type <type>', 'what kind of made-up event; default track').choices(TYPES),
    )
    .option('--event <name>', 'the name of the track event; default Order Completed')
    .option('--file <file>', 'events of your own: a JSON object, or an array of several')
    .option('--method <method>', 'POST, PUT, PATCH; for rudderstack also GET and DELETE')
    .option(
      '--secret <secret>',
      'the shared secret; others on this machine can see it, so set SEGMENT_SHARED_SECRET or RUDDERSTACK_SHARED_SECRET instead where they matter',
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
        '\nExample:\n  trackbridge send --to http://127.0.0.1:8080/segment --as segment --secret SECRET --batch 3\n',
    )
    .action((options: SendOptions) => send(options, context));
}

async function send(options: SendOptions, context: CommandContext): Promise<void> {
  const plan = planOf(options, context);
  const deliveries = deliveriesOf(plan, systemClock);
  const encode = (events: readonly JsonObject[]): WireRequest => encodeFor(plan, events);
  // All of them before the first is sent: an event that steers elsewhere is found before anything has happened.
  for (const events of deliveries) encode(events);
  if (options.dryRun) {
    for (const events of deliveries) printDry(encode(events), plan, context);
    return;
  }
  const isQuiet = options.json === true || deliveries.length > MOST_LINES;
  const progress = progressOn(context, deliveries.length);
  const attempts: Attempt[] = [];
  const connection = openConnection();
  try {
    await runDeliveries({
      vendor: plan.vendor,
      deliveries,
      encode,
      send: (request) => connection.send(request, plan.form.timeout),
      rate: plan.rate,
      timeScale: plan.timeScale,
      reform: plan.vendor === 'segment' ? plan.batch : undefined,
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
  judge(attempts, plan, context);
}

/** The request of these events. Throws CONFIG_INVALID where an event leads to another server than `--to`. */
function encodeFor(plan: SendPlan, events: readonly JsonObject[]): WireRequest {
  let request: WireRequest;
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

/** RudderStack's secret stands in the request as it is, so it is masked. */
function printDry(request: WireRequest, plan: SendPlan, context: CommandContext): void {
  const { secret } = plan.destination;
  const headers = request.headers.map(
    ([name, value]) => [name, value === secret ? '***' : value] as const,
  );
  const lines = printRequest({ ...request, headers }).split('\r\n');
  context.out.write(`${lines.map((line) => printable(line)).join('\r\n')}\n`);
}

function printAttempt(attempt: Attempt, context: CommandContext): void {
  const { status, method, path, events, milliseconds, answer, retried } = attempt;
  const what = `${method} ${path.split('?')[0]}, ${events} event${events === 1 ? '' : 's'}`;
  const again = retried ? ', to be tried again' : '';
  const said = printable(oneLine(answer), 300);
  context.out.write(`${status ?? '---'} ${what}, ${milliseconds} ms${again}: ${said}\n`);
}

function printSummary(attempts: readonly Attempt[], context: CommandContext): void {
  const byStatus = new Map<string, number>();
  for (const { status } of attempts) {
    const key = String(status ?? 'no answer');
    byStatus.set(key, (byStatus.get(key) ?? 0) + 1);
  }
  const events = attempts.reduce((sum, attempt) => sum + attempt.events, 0);
  const counts = [...byStatus].map(([status, number]) => `${number} × ${status}`).join(', ');
  context.out.write(`${attempts.length} deliveries, ${events} events: ${counts}\n`);
}

/** Says in one line what was not as it should be, and has the program leave with 1. */
function judge(attempts: readonly Attempt[], plan: SendPlan, context: CommandContext): void {
  const problem =
    plan.expected === undefined ? failureOf(attempts) : unmet(attempts, plan.expected);
  if (problem === undefined) return;
  context.err.write(`trackbridge: ${oneLine(problem)}\n`);
  process.exitCode = EXIT.failure;
}

function failureOf(attempts: readonly Attempt[]): string | undefined {
  const failed = attempts.filter(({ status, retried }) => !retried && !isSuccess(status));
  const [first] = failed;
  if (first === undefined) return undefined;
  const why =
    first.status === null
      ? `no answer (${first.answer}); is the receiver running, and --to right?`
      : `answered ${first.status}: ${first.answer.slice(0, 300)}`;
  return failed.length === 1
    ? `a delivery was not accepted, ${why}`
    : `${failed.length} deliveries were not accepted, the first: ${why}`;
}

function unmet(attempts: readonly Attempt[], expected: readonly number[]): string | undefined {
  const [only, ...more] = expected;
  const wanted = more.length === 0 ? attempts.map(() => only) : expected;
  const came = attempts.map(({ status }) => status);
  const at = wanted.findIndex((status, index) => status !== came[index]);
  if (at === -1 && came.length === wanted.length) return undefined;
  if (at === -1) return `--expect lists ${wanted.length} answers, but there were ${came.length}`;
  const answer = came[at];
  const said = answer === undefined ? 'there was none' : `it was ${answer ?? 'no answer'}`;
  return `--expect is not met: answer ${at + 1} should have been ${wanted[at]}, ${said}`;
}

function isSuccess(status: number | null): boolean {
  return status !== null && status >= 200 && status < 300;
}

/** A line on standard error that draws itself over, where that is a terminal. */
function progressOn(
  context: CommandContext,
  total: number,
): { show(done: number): void; end(): void } {
  if (!('isTTY' in context.err) || context.err.isTTY !== true || total <= MOST_LINES) {
    return { show: () => undefined, end: () => undefined };
  }
  return {
    show(done) {
      if (done % PROGRESS_STEP !== 0 && done < total) return;
      const filled = Math.min(30, Math.round((30 * done) / total));
      const bar = '#'.repeat(filled).padEnd(30, '.');
      context.err.write(`\r[${bar}] ${done} of ${total}`);
    },
    end() {
      context.err.write('\n');
    },
  };
}
