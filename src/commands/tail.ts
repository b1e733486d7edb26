import { once } from 'node:events';
import { Command } from 'commander';
import pc from 'picocolors';
import { systemClock } from '../clock.js';
import type { DeliveryRecord, DeliverySummary } from '../inspect/record.js';
import { printableJson } from '../sinks/printable.js';
import {
  type AdminClient,
  type AdminOptions,
  addAdminOptions,
  adminClient,
} from './admin-client.js';
import { type CommandContext, oneLine } from './io.js';
import { usage } from './send-options.js';
import { type Attempted, follow } from './tail-follow.js';
import { attemptLine, deliveryLine } from './tail-line.js';
import { saveFixture } from './tail-save.js';

interface TailOptions extends AdminOptions {
  readonly source?: string;
  readonly outcome?: string;
  readonly type?: string;
  readonly text?: string;
  readonly json?: true;
  readonly record?: true;
  readonly save?: string;
  readonly last?: string;
  readonly count?: string;
}

/** `trackbridge tail`: the deliveries of a running receiver as they come in. */
export function tailCommand(context: CommandContext): Command {
  const command = new Command('tail')
    .description('show the deliveries of a running receiver as they come in')
    .option('--source <name>', 'only those of this source')
    .option(
      '--outcome <outcome>',
      'only those that ended so: accepted, unauthenticated, ...; or refused',
    )
    .option('--type <type>', 'only those whose first event is of this type')
    .option('--text <text>', 'only those with this text in path, event, user, messageId or error')
    .option('--json', 'one JSON object a line')
    .option('--record', 'with --json: whole deliveries, with bodies and events')
    .option('--save <dir>', 'each as a file in this directory, for trackbridge send --replay')
    .option('--last <n>', 'first the last ones, as many as are recorded (admin.record)')
    .option('--count <n>', 'ends after so many')
    .addHelpText(
      'after',
      '\nEnds with 0 on Ctrl-C, and waits for a receiver that restarts. Times are UTC. Saved files hold no secrets, but what\n' +
        'the senders wrote: others on this machine cannot read them.\n' +
        '\nExample:\n  trackbridge tail --config trackbridge.yaml --outcome refused --save recorded\n',
    )
    .action((options: TailOptions) => tail(options, context));
  return addAdminOptions(command);
}

const FILTERS = ['source', 'outcome', 'type', 'text'] as const;

async function tail(options: TailOptions, context: CommandContext): Promise<void> {
  if (options.record && !options.json) throw usage('--record belongs to --json; add --json');
  const [last, count] = [
    wholeNumber(options.last, '--last'),
    wholeNumber(options.count, '--count'),
  ];
  const client = adminClient(options, context);
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    await showDeliveries({
      client,
      context,
      signal: stop.signal,
      last: last ?? 0,
      count: count ?? Number.POSITIVE_INFINITY,
      filters: Object.fromEntries(
        FILTERS.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
      ),
      format: options.json ? (options.record ? 'records' : 'json') : 'lines',
      save: options.save,
    });
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
  }
}

export interface Showing {
  readonly client: AdminClient;
  readonly context: CommandContext;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly filters: Readonly<Record<string, string>>;
  /** So many of the past first. */
  readonly last: number;
  /** Ends after so many. */
  readonly count: number;
  readonly format: 'lines' | 'json' | 'records';
  /** The directory in which each is saved. */
  readonly save: string | undefined;
}

/** Shows deliveries on standard output until the signal aborts, enough were shown, or nobody reads any more. */
export async function showDeliveries(showing: Showing): Promise<void> {
  const { client, context, format, save } = showing;
  const { err, out } = context;
  const stop = new AbortController();
  const end = (): void => stop.abort();
  if (showing.signal.aborted) end();
  showing.signal.addEventListener('abort', end);
  // A pipe whose reader has left, as of `| head`.
  out.on('error', end);
  const colors = pc.createColors(hasColors(context));
  const shown = new ShownDeliveries();
  let width = 4;
  let left = showing.count;
  let fault: unknown;

  const write = async (text: string): Promise<void> => {
    // Nobody's memory fills while a reader is slow: the receiver cuts one off that does not keep up.
    if (!out.write(`${text}\n`)) await once(out, 'drain', { signal: stop.signal });
  };
  const show = async (delivery: DeliverySummary | DeliveryRecord): Promise<void> => {
    if (save !== undefined) await saveFixture(save, delivery as DeliveryRecord, client);
    shown.add(delivery.id);
    await write(
      format === 'lines'
        ? deliveryLine(delivery, colors, width)
        : printableJson(JSON.stringify(format === 'json' ? summaryOf(delivery) : delivery)),
    );
  };
  await follow({
    client,
    filters: showing.filters,
    records: format === 'records' || save !== undefined,
    last: showing.last,
    clock: systemClock,
    signal: stop.signal,
    onHello({ sources }) {
      width = Math.min(30, Math.max(width, ...sources.map((name) => name.length)));
    },
    async onDelivery(delivery) {
      await show(delivery).catch((error: unknown) => {
        // What fails here is no matter of the receiver's, for which it would be waited.
        if (!stop.signal.aborted) fault = error;
        end();
      });
      left--;
      if (left <= 0) end();
    },
    async onAttempt(attempt) {
      if (format !== 'lines' || !shown.isNews(attempt)) return;
      const line = attemptLine(attempt, colors, width);
      if (line !== '') await write(line);
    },
    onNotice: (text) => err.write(`trackbridge: ${oneLine(text)}\n`),
  });
  showing.signal.removeEventListener('abort', end);
  if (fault !== undefined) throw fault;
}

/** Only on a terminal that knows them, and where nobody asked for none (https://no-color.org). */
function hasColors({ env, out }: CommandContext): boolean {
  const isTerminal = 'isTTY' in out && out.isTTY === true;
  return isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

function summaryOf(delivery: DeliverySummary | DeliveryRecord): DeliverySummary {
  if (!('request' in delivery)) return delivery;
  const { answer, attempts, attemptsDropped, events, request, signed, ...summary } = delivery;
  return summary;
}

/** What was shown, for the attempts that belong to it. */
class ShownDeliveries {
  /** What was said of the sinks of each. */
  readonly #said = new Map<string, Set<string>>();

  add(id: string): void {
    this.#said.set(id, new Set());
    const [oldest] = this.#said.keys();
    if (this.#said.size > 1_000 && oldest !== undefined) this.#said.delete(oldest);
  }

  /** Whether its delivery was shown, and its sink did not fail it in the same way before. */
  isNews({ deliveryId, outcome, sink }: Attempted): boolean {
    const said = this.#said.get(deliveryId);
    const key = `${outcome} ${sink}`;
    if (said === undefined || said.has(key)) return false;
    said.add(key);
    return true;
  }
}

function wholeNumber(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw usage(`${option} is not a whole number from 1 to 9999999; give one such as 10`);
}
