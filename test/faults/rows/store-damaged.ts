import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually, NotStarted, runCommand } from '../../support/receiver.js';
import { DAMAGES, type Damage } from '../damage.js';
import { Ledger } from '../ledger.js';
import { enterRecorded, type Program, type ProgramOptions, settled } from '../program.js';
import type { RecordingSink, TakenEvent } from '../recording-sink.js';
import type { Row, RowContext } from '../row.js';
import { startLoad } from '../senders.js';

const EVENTS = 1_500;
/** Enough that most of the events are in the file itself and the rest in the -wal. */
const PADDING = 4_000;
const STORE = 'outbox.db';
const FILES = [STORE, `${STORE}-wal`, `${STORE}-mark`];
const CHECK = ['outbox', 'check', '--config', 'trackbridge.json'];

const propertiesOf = (id: string): object => ({
  padding: createHash('sha256').update(id).digest('hex').padEnd(PADDING, id),
});
const configOf = (hook: RecordingSink): { readonly outbox: object; readonly sinks: object } => ({
  outbox: { path: `./${STORE}` },
  sinks: { hook: { ...hook.options, body: 'array' } },
});

/** The outbox after a kill, damaged in every way of damage.ts. */
export const storeDamaged: Row = {
  name: 'store-damaged',
  fault: `after a \`kill -9\` the outbox is damaged in ${DAMAGES.length} ways: pages torn, file or \`-wal\` cut, removed or overwritten`,
  mustHold:
    'it opens with everything, or refuses with exit 2, changes nothing and says how to recover, and has everything once the damage is undone; `outbox check` says the same',
  limitMs: 180_000,
  async run(context) {
    const ledger = new Ledger(DAMAGES.map(({ name }) => name));
    const killed = join(context.directory, 'killed');
    await fill(context, ledger, killed);
    const contents = new Map<string, string>();
    let refused = 0;
    for (const damage of DAMAGES) {
      try {
        if (await isRefused(context, { ledger, killed, contents }, damage)) refused++;
      } catch (error) {
        ledger.problem(`${damage.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return ledger.outcome([
      `${refused} refused, ${DAMAGES.length - refused} opened with everything`,
    ]);
  },
};

/** What all damages have in common. */
interface Trial {
  readonly ledger: Ledger;
  /** Where the store of the killed program is. */
  readonly killed: string;
  /** What each event was so far, by messageId. */
  readonly contents: Map<string, string>;
}

/** Damages a copy of the store and goes on with it, with the damage undone where it is refused; whether it was. */
async function isRefused(
  context: RowContext,
  { ledger, killed, contents }: Trial,
  damage: Damage,
): Promise<boolean> {
  const directory = join(context.directory, 'damaged');
  await rm(directory, { recursive: true, force: true });
  await cp(killed, directory, { recursive: true });
  await damage.inflict(join(directory, STORE));
  const before = await hashOf(directory);
  const check = await runCommand(CHECK, { cwd: directory });
  const hook = await context.listen();
  const options = { directory, config: configOf(hook) };
  const started = await startOrRefusal(context, options);
  const refused = started instanceof NotStarted;
  let problems: readonly string[];
  if (refused) {
    problems = refusalProblems(started, check);
    ledger.expect((await hashOf(directory)) === before, `${damage.name}: looking at it changed it`);
    for (const file of FILES) await cp(join(killed, file), join(directory, file));
  } else {
    problems = check.code === 0 ? [] : [`it opened, but \`outbox check\` exits ${check.code}`];
  }
  for (const problem of problems) ledger.problem(`${damage.name}: ${problem}`);
  const program = refused ? await context.start(options) : started;
  await settled(program);
  await program.end('SIGKILL');
  enterRecorded(ledger, damage.name, hook);
  const altered = alteredIn(hook.taken, contents);
  ledger.expect(altered === 0, `${damage.name}: ${altered} arrived altered`);
  return refused;
}

async function startOrRefusal(
  { start }: RowContext,
  options: ProgramOptions,
): Promise<Program | NotStarted> {
  return await start(options).catch((error: unknown) => {
    if (error instanceof NotStarted) return error;
    throw error;
  });
}

/** What is wrong with how a start was refused, and with what `outbox check` made of the same store. */
function refusalProblems(
  { code, said }: NotStarted,
  check: { readonly code: number | null; readonly stdout: string; readonly stderr: string },
): readonly string[] {
  const line = said.trim();
  // Without the program's name before it, and SQLite's words at its end: those of its full check are others.
  const message = line.slice(line.indexOf(STORE)).replace(/ \(.*\)$/s, '');
  return [
    ...(code === 2 ? [] : [`it left with ${code}`]),
    ...(line.includes('\n') ? ['it said more than one line'] : []),
    ...(/ put .* back| restore a backup/.test(line)
      ? []
      : [`it did not say how to recover: ${line}`]),
    ...(check.code === 1 ? [] : [`\`outbox check\` exits ${check.code}`]),
    ...(`${check.stdout}${check.stderr}`.includes(message)
      ? []
      : [`\`outbox check\` says something else than "${message}"`]),
  ];
}

/** How many events are not what they were in the copies before, which were all made of the same store. */
function alteredIn(taken: readonly TakenEvent[], contents: Map<string, string>): number {
  return taken.filter(({ messageId, content }) => {
    const known = contents.get(messageId);
    if (known === undefined) contents.set(messageId, content);
    return known !== undefined && known !== content;
  }).length;
}

/** Over the files of the store; one that is empty holds no more than one that is missing. */
async function hashOf(directory: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of FILES) {
    hash.update(await readFile(join(directory, file)).catch(() => ''));
  }
  return hash.digest('hex');
}

/** A store that was killed while events were written to it, none of which has been delivered. */
async function fill(context: RowContext, ledger: Ledger, directory: string): Promise<void> {
  const { start, listen } = context;
  await mkdir(directory);
  const hook = await listen();
  hook.behave(() => ({ status: 503 }));
  const program = await start({ directory, config: configOf(hook) });
  const load = startLoad(context, {
    ledger,
    url: () => program.url,
    senders: 8,
    properties: propertiesOf,
  });
  await eventually(
    () => ledger.acknowledged,
    (count) => count >= EVENTS,
    60_000,
  );
  await program.end('SIGKILL');
  await load.stop();
}
