import { once } from 'node:events';
import { Command } from 'commander';
import { POINT_IN_TIME, parsePointInTime } from '../../config/schema/point-in-time.js';
import { systemClock } from '../../core/clock.js';
import { TrackbridgeError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import {
  type AdminClient,
  type AdminOptions,
  AdminRefusal,
  addAdminOptions,
  adminClient,
} from '../admin-client.js';
import { type CommandContext, printJson } from '../io.js';
import { Progress } from './progress.js';
import type { ShownReplay } from './shown.js';

interface ReplayOptions extends AdminOptions {
  readonly sink: string;
  readonly since?: string;
  readonly until?: string;
  readonly type?: readonly string[];
  readonly event?: readonly string[];
  readonly user?: readonly string[];
  readonly source?: readonly string[];
  readonly dryRun?: true;
  readonly resume?: true;
  readonly cancel?: true;
  readonly json?: true;
}

/** How often to ask the receiver, in milliseconds. */
const ASK_EVERY = 500;

/** A sink that takes nothing for as long, in milliseconds, lets the command end. The replay goes on without it. */
const STALLED_AFTER = 15_000;

/** `trackbridge replay`: delivers retained events to one sink, again or for the first time. */
export function replayCommand(context: CommandContext): Command {
  const command = new Command('replay')
    .description('deliver retained events to one sink, again or for the first time')
    .requiredOption('--sink <name>', 'the sink to deliver to; its `where` and `transform` apply')
    .option('--since <time>', `only events received from then on: ${POINT_IN_TIME}`)
    .option('--until <time>', 'only events received before then')
    .option('--type <type...>', 'only events of these types')
    .option('--event <name...>', 'only events with these names; * matches any characters, ? one')
    .option('--user <id...>', 'only events with this userId or anonymousId')
    .option('--source <name...>', 'only events of these sources')
    .option('--dry-run', 'only count the events')
    .option('--resume', 'continue an interrupted replay')
    .option('--cancel', 'cancel an unfinished replay; what it has requeued stays pending')
    .option('--json', 'print the result as one JSON object')
    .addHelpText(
      'after',
      '\nThe receiver replays, and continues after a restart. Ctrl-C pauses the replay and ends the command.\n' +
        'Only some replayed events are pending at a time, so new events are not held up.\n' +
        '\nExample:\n  trackbridge replay --sink orders --since 24h --config trackbridge.yaml\n',
    )
    .action((options: ReplayOptions) => replay(options, context));
  return addAdminOptions(command);
}

async function replay(options: ReplayOptions, context: CommandContext): Promise<void> {
  const filter = filterOf(options);
  const client = adminClient(options, context);
  const path = `/api/sinks/${encodeURIComponent(options.sink)}/replay`;
  if (options.dryRun) return await count(client, path, filter, options, context);
  if (options.cancel) {
    const canceled = (await client.post(`${path}/cancel`, {})) as ShownReplay;
    return finish(canceled, options, context);
  }
  if (options.resume) await client.post(`${path}/resume`, {});
  else await begin(client, path, filter, options);
  await watch(client, path, options, context);
}

async function begin(
  client: AdminClient,
  path: string,
  filter: object,
  { sink }: ReplayOptions,
): Promise<void> {
  try {
    await client.post(path, filter);
  } catch (error) {
    if (!(error instanceof AdminRefusal) || error.status !== 503) throw error;
    throw new Error(
      `${error.message}; continue it with trackbridge replay --sink ${sink} --resume, or end it with --cancel`,
    );
  }
}

/** Shows the progress until everything is delivered, the sink takes nothing more, or the user ends the command. */
async function watch(
  client: AdminClient,
  path: string,
  options: ReplayOptions,
  context: CommandContext,
): Promise<void> {
  const interrupt = new AbortController();
  const interrupted = once(process, 'SIGINT', { signal: interrupt.signal }).then(
    () => true,
    () => false,
  );
  const progress = new Progress(context.err, options.json === true);
  let last = '';
  let since = systemClock.monotonic();
  try {
    for (;;) {
      const state = (await client.get(path)) as ShownReplay;
      progress.show(state);
      const isOver = state.state === 'done' && state.pending === 0;
      if (isOver || state.state === 'canceled') return finish(state, options, context);
      const now = JSON.stringify([state.requeued, state.pending, state.looked]);
      if (now !== last) [last, since] = [now, systemClock.monotonic()];
      const isStalled = systemClock.monotonic() - since > STALLED_AFTER;
      if (isStalled || state.state === 'paused') {
        finish(state, options, context);
        context.err.write(`trackbridge: ${unfinished(state, options)}\n`);
        return context.fail();
      }
      const pause = systemClock.sleep(ASK_EVERY, interrupt.signal).then(() => false);
      if (!(await Promise.race([interrupted, pause]))) continue;
      const paused = await pauseReplay(client, path, state);
      finish(paused, options, context);
      context.err.write(`trackbridge: ${unfinished(paused, options)}\n`);
      return context.fail();
    }
  } finally {
    progress.end();
    interrupt.abort();
  }
}

/** Everything may have been requeued meanwhile. Then there is nothing to pause. */
async function pauseReplay(
  client: AdminClient,
  path: string,
  state: ShownReplay,
): Promise<ShownReplay> {
  try {
    return (await client.post(`${path}/pause`, {})) as ShownReplay;
  } catch (error) {
    if (error instanceof AdminRefusal && error.status === 404) return { ...state, state: 'done' };
    throw error;
  }
}

function unfinished(state: ShownReplay, { sink }: ReplayOptions): string {
  const name = printable(sink);
  const end = `or end it with --cancel`;
  if (state.state === 'paused') {
    return `the replay is paused; continue it with trackbridge replay --sink ${name} --resume, ${end}`;
  }
  if (state.state === 'done') {
    return `everything is requeued; the sink ${name} delivers the ${state.pending} pending events as it can`;
  }
  return `the sink ${name} accepts no more events now; the receiver continues the replay when it does. Watch it with --resume, ${end}`;
}

function finish(state: ShownReplay, options: ReplayOptions, context: CommandContext): void {
  if (options.json) {
    printJson({ sink: options.sink, ...state }, context);
    return;
  }
  const { garbled, left, pending, requeued } = state;
  const damaged = garbled === 0 ? '' : `, ${garbled} damaged in the store and not replayed`;
  context.out.write(
    `${state.state}: ${requeued} requeued, ${pending} of them pending, ${left} stored events remain to be looked at${damaged}\n`,
  );
}

async function count(
  client: AdminClient,
  path: string,
  filter: object,
  { json, sink }: ReplayOptions,
  context: CommandContext,
): Promise<void> {
  let events = 0;
  for (let after: number | undefined; ; ) {
    const page = (await client.post(`${path}/count`, { ...filter, ...(after && { after }) })) as {
      readonly events: number;
      readonly next?: number;
    };
    events += page.events;
    if (page.next === undefined) break;
    after = page.next;
  }
  if (json) printJson({ sink, dryRun: true, events }, context);
  else context.out.write(`${events} events would be replayed to ${printable(sink)}\n`);
}

function filterOf(options: ReplayOptions): object {
  const { event, since, source, type, until, user } = options;
  const time = (name: string, text: string): string => {
    const at = parsePointInTime(text, systemClock.now());
    if (at !== undefined) return new Date(at).toISOString();
    throw new TrackbridgeError('CONFIG_INVALID', `${name} must be ${POINT_IN_TIME}`);
  };
  return {
    ...(since !== undefined && { since: time('--since', since) }),
    ...(until !== undefined && { until: time('--until', until) }),
    ...(type && { types: type }),
    ...(event && { events: event }),
    ...(user && { users: user }),
    ...(source && { sources: source }),
  };
}
