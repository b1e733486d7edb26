import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { eventually, type Receiver, readEvents } from '../support/receiver.js';
import { exchange } from './exchange.js';
import { createInputs, type Input } from './inputs.js';
import { judge } from './oracle.js';
import { shrink } from './shrink.js';
import { BUDGET, DIALECTS, startTarget, TOKEN } from './target.js';

export interface CampaignOptions {
  readonly seed: number;
  readonly count: number;
  /** No input is begun after so many seconds. */
  readonly seconds: number;
}

/** One input that broke a rule, as small as it could be made. */
export interface Failure {
  readonly input: Input;
  readonly fault: string;
}

export interface Report {
  readonly inputs: number;
  readonly seconds: number;
  /** How often each status was answered. */
  readonly statuses: ReadonlyMap<number, number>;
  readonly accepted: number;
  readonly slowestMs: number;
  /** Megabytes of resident memory of the program, after a tenth of the inputs and at the end. */
  readonly memory: { readonly warm: number; readonly end: number };
  readonly failure?: Failure;
  /** What does not add up at the end, though no single answer was wrong. */
  readonly leftovers: readonly string[];
}

// As a key, not as a text.
const PROTOTYPE_KEY = /(?<!\\)"(?:__proto__":|constructor":\{"prototype":)/;
const CONNECTIONS = 48;
const GIVEN_UP_AFTER = BUDGET + 10_000;
/** Megabytes of resident memory that the program may grow by after its first tenth. Its heap has a limit of its own. */
const MAY_GROW = 128;

/** Sends the inputs of a seed to the built program and holds every answer, and what is left at the end, to the contract. */
export async function runCampaign(options: CampaignOptions): Promise<Report> {
  return await withReceiver((receiver) => attack(receiver, options));
}

async function withReceiver<T>(use: (receiver: Receiver) => Promise<T>): Promise<T> {
  const receiver = await startTarget();
  try {
    return await use(receiver);
  } finally {
    await discard(receiver);
  }
}

async function discard(receiver: Receiver): Promise<void> {
  await receiver.end('SIGKILL');
  await rm(receiver.directory, { recursive: true, force: true });
}

async function attack(receiver: Receiver, options: CampaignOptions): Promise<Report> {
  const port = portOf(receiver);
  const inputOf = createInputs(options.seed);
  const statuses = new Map<number, number>();
  const startedAt = performance.now();
  const isOver = (): boolean => performance.now() - startedAt > options.seconds * 1000;
  const inFlight = new Map<number, Input>();
  let next = 0;
  let accepted = 0;
  let resets = 0;
  let slowestMs = 0;
  let warm = 0;
  let found: Failure | undefined;
  let unanswered: readonly Input[] = [];
  let suspects: readonly Input[] = [];

  const worker = async (): Promise<void> => {
    while (next < options.count && found === undefined && suspects.length === 0 && !isOver()) {
      const input = inputOf(next++);
      inFlight.set(input.index, input);
      const answered = await exchange(port, input, GIVEN_UP_AFTER);
      if (answered.refused || hasEnded(receiver)) {
        if (suspects.length === 0) suspects = [...inFlight.values()];
        return;
      }
      inFlight.delete(input.index);
      // That the program has ended is known a little later than that a connection has.
      if (answered.answer.length === 0)
        unanswered = [input, ...unanswered].slice(0, 4 * CONNECTIONS);
      const judgment = judge(input, answered);
      for (const status of judgment.statuses) statuses.set(status, (statuses.get(status) ?? 0) + 1);
      accepted += judgment.accepted;
      if (answered.reset) resets++;
      slowestMs = Math.max(slowestMs, answered.took);
      if (judgment.fault !== undefined) found ??= { input, fault: judgment.fault };
      if (warm === 0 && next > options.count / 10) warm = memoryOf(receiver);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));

  const alive = await isAlive(receiver);
  const end = alive ? memoryOf(receiver) : 0;
  if (!alive)
    suspects = [...(found === undefined ? [] : [found.input]), ...unanswered, ...suspects];
  // After a failure nothing adds up anyway.
  const leftovers =
    alive && found === undefined ? await leftoversOf(receiver, accepted, resets) : [];
  if (warm > 0 && end - warm > MAY_GROW) {
    leftovers.push(`resident memory grew from ${warm} to ${end} MB`);
  }
  const failure = alive && found !== undefined ? await smallest(found) : await killer(suspects);
  return {
    inputs: next,
    seconds: (performance.now() - startedAt) / 1000,
    statuses,
    accepted,
    slowestMs,
    memory: { warm, end },
    leftovers,
    ...(failure === undefined ? {} : { failure }),
  };
}

/** What one input alone does to a fresh program; undefined where nothing is wrong. */
export async function replay(input: Input): Promise<string | undefined> {
  return await withReceiver((receiver) => faultOfOne(receiver, input));
}

async function faultOfOne(receiver: Receiver, input: Input): Promise<string | undefined> {
  const { fault } = judge(input, await exchange(portOf(receiver), input, GIVEN_UP_AFTER));
  return (await isAlive(receiver)) ? fault : `the program ended: ${lastWords(receiver)}`;
}

async function smallest({ input, fault }: Failure): Promise<Failure> {
  let receiver = await startTarget();
  const fails = async (smaller: Input): Promise<boolean> => {
    const failed = (await faultOfOne(receiver, smaller)) !== undefined;
    if (!(await isAlive(receiver))) {
      await discard(receiver);
      receiver = await startTarget();
    }
    return failed;
  };
  // What only happens together with others stays as large as it is.
  const small = (await fails(input)) ? await shrink(input, fails) : input;
  await discard(receiver);
  return { input: small, fault };
}

/** Of the inputs that were on their way when the program ended: the one that ends it. */
async function killer(suspects: readonly Input[]): Promise<Failure | undefined> {
  let culprit: Failure | undefined;
  await withReceiver(async (receiver) => {
    for (const input of suspects) {
      const fault = await faultOfOne(receiver, input);
      if (fault !== undefined) culprit ??= { input, fault };
      if (culprit !== undefined) return;
    }
  });
  if (culprit !== undefined) return await smallest(culprit);
  const [input] = suspects;
  if (input === undefined) return undefined;
  return { input, fault: 'the program ended, and none of the inputs on their way does it alone' };
}

/** All that was accepted must be in the file, and nothing but refusals in the log. */
async function leftoversOf(
  receiver: Receiver,
  accepted: number,
  resets: number,
): Promise<string[]> {
  const leftovers: string[] = [];
  const stats = await eventually(
    () => statsOf(receiver),
    ({ pending }) => pending === 0,
    60_000,
  );
  const counted = stats.accepted - (await uncounted(receiver));
  // An answer that a reset ate was not counted here.
  if (counted < accepted || (resets === 0 && counted !== accepted)) {
    leftovers.push(`${accepted} events were answered as accepted, ${counted} are known`);
  }
  const events = await readEvents(`${receiver.directory}/events.ndjson`);
  if (events.length !== stats.accepted) {
    leftovers.push(`${stats.accepted} events were accepted, ${events.length} are in the file`);
  }
  const text = readFileSync(`${receiver.directory}/events.ndjson`, 'utf8');
  const at = text.search(PROTOTYPE_KEY);
  if (at >= 0) {
    leftovers.push(
      `a prototype key reached the file: ${text.slice(Math.max(0, at - 300), at + 60)}`,
    );
  }
  const errors = linesOf(receiver).filter((line) => /"level":"(?:error|fatal)"/.test(line));
  const unexpected = errors.find((line) => !line.includes('"code":"BUDGET_SPENT"'));
  if (unexpected !== undefined) leftovers.push(`the log says: ${unexpected.slice(0, 1000)}`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/;
  const where = (['stdout', 'stderr'] as const).find((each) => control.test(receiver[each]()));
  if (where !== undefined) {
    const shown = control.exec(receiver[where]());
    const line = receiver[where]().slice((shown?.index ?? 0) - 200, (shown?.index ?? 0) + 50);
    leftovers.push(`a control character is in ${where}: ${JSON.stringify(line)}`);
  }
  return leftovers;
}

interface Stats {
  readonly accepted: number;
  readonly pending: number;
}

async function statsOf(receiver: Receiver): Promise<Stats> {
  const response = await fetch(`${receiver.adminUrl}/api/stats`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  return (await response.json()) as Stats;
}

/** Accepted events of the sources whose answers do not tell. */
async function uncounted(receiver: Receiver): Promise<number> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const metrics = await (await fetch(`${receiver.adminUrl}/metrics`, { headers })).text();
  const lines = metrics.split('\n');
  const accepted = DIALECTS.map((source) => {
    const line = lines.find((each) =>
      each.startsWith(`trackbridge_events_total{source="${source}"}`),
    );
    return Number(line?.split(' ').at(-1));
  });
  return accepted.reduce((sum, count) => sum + count, 0);
}

function linesOf(receiver: Receiver): string[] {
  return receiver.stderr().split('\n');
}

function lastWords(receiver: Receiver): string {
  const lines = linesOf(receiver).filter((line) => line !== '');
  return lines.slice(-12).join(' | ').slice(0, 1500);
}

async function isAlive(receiver: Receiver): Promise<boolean> {
  const health = await fetch(`${receiver.url}/livez`).catch(() => undefined);
  return health?.ok === true && !hasEnded(receiver);
}

function hasEnded({ child }: Receiver): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function portOf(receiver: Receiver): number {
  return Number(new URL(receiver.url).port);
}

function memoryOf({ child }: Receiver): number {
  try {
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  } catch {
    // Only Linux tells it this way; elsewhere memory is not looked at.
    return 0;
  }
}
