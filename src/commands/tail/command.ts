import { once } from 'node:events';
import { Command } from 'commander';
import pc from 'picocolors';
import { systemClock } from '../../core/clock.js';
import { oneLine, printableJson } from '../../core/printable.js';
import type { DeliveryRecord, DeliverySummary } from '../../workbench/inspect/record.js';
import {
  type AdminClient,
  type AdminOptions,
  addAdminOptions,
  adminClient,
} from '../admin-client.js';
import type { CommandContext } from '../io.js';
import { usage } from '../send/options.js';
import { type Attempted, follow } from './follow.js';
import { attemptLine, deliveryLine } from './line.js';
import { saveFixture } from './save.js';

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

/** `trackbridge tail`: shows the deliveries of a running receiver as they arrive. */
export function tailCommand(context: CommandContext): Command {
  const command = new Command('tail')
    .description('follow the deliveries of a running receiver')
    .optionsGroup('Filters:')
    .option('--source <name>', 'only deliveries of this source')
    .option(
      '--outcome <outcome>',
      'only deliveries with this outcome, such as accepted or unauthenticated; refused: every status except 200',
    )
    .option('--type <type>', 'only deliveries whose first event has this type')
    .option(
      '--text <text>',
      'only deliveries with this text in path, event, user, messageId or error',
    )
    .optionsGroup('Output:')
    .option('--json', 'print one JSON object per line')
    .option('--record', 'with --json, include bodies and events')
    .option('--save <dir>', 'save each delivery to a file in this directory, for send --replay')
    .option(
      '--last <n>',
      'first print the last N recorded deliveries; requires admin.record; default: 0',
    )
    .option('--count <n>', 'exit after N deliveries; default: run until Ctrl-C')
    .addHelpText(
      'after',
      '\nExits with 0 on Ctrl-C. Reconnects if the receiver restarts. Times are UTC. Saved files contain what the senders\n' +
        'wrote but no secrets, and only their owner can read them.\n' +
        '\nExample:\n  trackbridge tail --config trackbridge.yaml --outcome refused --save recorded\n',
    )
    .action((options: TailOptions) => tail(options, context));
  return addAdminOptions(command);
}

const FILTERS = ['source', 'outcome', 'type', 'text'] as const;

async function tail(options: TailOptions, context: CommandContext): Promise<void> {
  if (options.record && !options.json) throw usage('--record requires --json');
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
  /** Aborting it ends the command. */
  readonly signal: AbortSignal;
  readonly filters: Readonly<Record<string, string>>;
  /** The number of past deliveries to show first. */
  readonly last: number;
  /** The number of deliveries after which the command exits. */
  readonly count: number;
  readonly format: 'lines' | 'json' | 'records';
  /** The directory in which each delivery is saved. */
  readonly save: string | undefined;
}

/** Shows deliveries on standard output until the signal aborts, enough were shown, or the output is closed. */
export async function showDeliveries(showing: Showing): Promise<void> {
  const { client, context, format, save } = showing;
  const { err, out } = context;
  const stop = new AbortController();
  const end = (): void => stop.abort();
  if (showing.signal.aborted) end();
  showing.signal.addEventListener('abort', end);
  // A pipe whose reader has exited, such as `| head`.
  out.on('error', end);
  const colors = pc.createColors(hasColors(context));
  const shown = new ShownDeliveries();
  let width = 4;
  let left = showing.count;
  let fault: unknown;

  const write = async (text: string): Promise<void> => {
    // A slow reader fills no memory: the receiver disconnects a client that does not keep up.
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
        // A failure here is not the receiver's, so there is no point in reconnecting.
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

/** Only on a terminal that supports colors, and unless NO_COLOR is set (https://no-color.org). */
function hasColors({ env, out }: CommandContext): boolean {
  const isTerminal = 'isTTY' in out && out.isTTY === true;
  return isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

function summaryOf(delivery: DeliverySummary | DeliveryRecord): DeliverySummary {
  if (!('request' in delivery)) return delivery;
  const { answer, attempts, attemptsDropped, events, request, signed, ...summary } = delivery;
  return summary;
}

/** The deliveries that were shown, to match attempts to them. */
class ShownDeliveries {
  /** By delivery, the sink results that were shown. */
  readonly #said = new Map<string, Set<string>>();

  add(id: string): void {
    this.#said.set(id, new Set());
    const [oldest] = this.#said.keys();
    if (this.#said.size > 1_000 && oldest !== undefined) this.#said.delete(oldest);
  }

  /** Whether its delivery was shown and its sink has not failed it in the same way before. */
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
  throw usage(`${option} must be a whole number from 1 to 9999999`);
}
