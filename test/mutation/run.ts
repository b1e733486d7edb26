/**
 * Breaks the program in one small place after another and lists the faults that no test notices. A copy of this directory
 * contains all mutants of a room at once, each behind a switch, so one process tries hundreds of them.
 */
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { readSource, resolveImport } from '../architecture/source.js';
import { Random } from '../fuzz/random.js';
import { instrument } from './instrument.js';
import { type Mutant, mutantsOf } from './mutants.js';

/** What the runner writes, one a line. */
export type Report =
  | { readonly test: string; readonly reached: readonly number[] }
  /** Reached while the file was loaded and its suites were collected, when no mutant is on. */
  | { readonly collected: string; readonly reached: readonly number[] }
  | { readonly trying: number }
  | { readonly survived: number }
  | { readonly killed: number; readonly by: string }
  /** It failed, but an earlier mutant may be the cause. */
  | { readonly suspect: number }
  /** A test fails without any mutant. */
  | { readonly broken: string };

interface Placed extends Mutant {
  readonly id: number;
  readonly file: string;
  readonly line: number;
  readonly original: string;
}

const ROOMS = ['verify', 'decode', 'event', 'dispatch', 'outbox'];
/** Tests of the room that need more than the unit tests do, but only a disk. */
const DISK = /^test\/outbox\/sqlite\//;
/** Tests that take long and say little about one place. */
const SLOW =
  /^test\/(e2e|docs|sdk|fuzz|faults|workbench|sinks|shim|support|commands|bench|architecture|schemas|regexes|package|dockerfile)/;
/** Tests of many inputs come last, when few mutants are left. */
const HEAVY =
  /any-bytes|linear|property|properties|model|transformation|dispatch\/memory|transform\/(runner|load)/;
/** A process that reports nothing for so many processor seconds never will. */
const MOST_SECONDS = 30;
/** The same for one that waits: looks at it, two a second. Counted, since the whole run may be stopped meanwhile. */
const MOST_QUIET_LOOKS = 180;
/** The most test files for one mutant that needs a process of its own. */
const MOST_FILES = 8;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    /** Only files whose path contains this. */
    file: { type: 'string', default: '' },
    /** How many mutants to try, one a process, that are reached only while tests are loaded. */
    loaded: { type: 'string', default: '20' },
    out: { type: 'string', default: '' },
  },
});
const root = process.cwd();
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** The modules of a directory by path, with their text. */
function modules(top: string): Map<string, string> {
  const files = readdirSync(top, { recursive: true, encoding: 'utf8' }).map((file) =>
    join(top, file),
  );
  return new Map(
    files
      .filter((file) => /(?<!\.d)\.ts$/.test(file))
      .sort()
      .map((file) => [file, readFileSync(file, 'utf8')]),
  );
}

/** How many imports lead from each test to a room or a module, along the shortest way. */
function distances(texts: ReadonlyMap<string, string>, path: string): Map<string, number> {
  const importers = new Map<string, string[]>();
  for (const [file, text] of texts) {
    for (const { specifier, typeOnly } of readSource(file, text).imports) {
      if (typeOnly || !specifier?.startsWith('.')) continue;
      const target = resolveImport(file, specifier);
      importers.set(target, [...(importers.get(target) ?? []), file]);
    }
  }
  const targets = [...texts.keys()].filter((file) => file.startsWith(path));
  const found = new Map(targets.map((file) => [file, 0]));
  for (const [file, distance] of found) {
    for (const importer of importers.get(file) ?? []) {
      if (!found.has(importer)) found.set(importer, distance + 1);
    }
  }
  return found;
}

class Campaign {
  readonly #copy: string;
  readonly #log: string;
  readonly mutants: Placed[] = [];
  readonly killed = new Map<number, string>();
  /** Not tried, to save time. */
  readonly skipped = new Set<number>();
  readonly #reachedByTest = new Set<number>();
  /** The tests that reached a mutant while they were loaded. */
  readonly #loadedBy = new Map<number, string[]>();
  #alive: Set<number>;

  constructor(room: string) {
    this.#copy = mkdtempSync(join(tmpdir(), 'trackbridge-mutants-'));
    this.#log = join(this.#copy, 'mutants.log');
    for (const each of [
      'src',
      'test',
      'schemas',
      'docs',
      'bench',
      'package.json',
      'tsconfig.json',
    ]) {
      cpSync(join(root, each), join(this.#copy, each), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(this.#copy, 'node_modules'));
    symlinkSync(join(root, 'dist'), join(this.#copy, 'dist'));
    writeFileSync(join(this.#copy, 'vitest.config.ts'), CONFIG);
    for (const [file, text] of modules('src')) {
      if (!file.startsWith(`src/${room}/`)) continue;
      const parsed = mutantsOf(file, text);
      const runtime = relative(dirname(file), 'test/mutation/runtime.js');
      writeFileSync(join(this.#copy, file), instrument(text, parsed, this.mutants.length, runtime));
      for (const mutant of parsed.mutants) {
        const line = text.slice(0, mutant.start).split('\n').length;
        const original = text.slice(mutant.start, mutant.end);
        this.mutants.push({ ...mutant, id: this.mutants.length, file, line, original });
      }
    }
    this.#alive = new Set(this.#sample());
  }

  #sample(): number[] {
    const all = this.mutants.filter(({ file }) => file.includes(values.file)).map(({ id }) => id);
    const count = Number(values.sample);
    if (count >= all.length) return all;
    const step = all.length / count;
    const first = new Random(Number(values.seed)).below(1_000) / 1_000;
    return Array.from({ length: count }, (_, at) => all[Math.floor((at + first) * step)] ?? 0);
  }

  get alive(): readonly Placed[] {
    return this.mutants.filter(({ id }) => this.#alive.has(id));
  }

  /** Whether a test reached the mutant: otherwise its module only ran it while it loaded. */
  isReached(id: number): boolean {
    return this.#reachedByTest.has(id);
  }

  async tryAll(tests: readonly string[]): Promise<void> {
    let left = [...tests];
    const suspects = new Set<string>();
    const broken = new Set<string>();
    while (left.length > 0 && this.#alive.size > 0) {
      const { last, hung, suspect, broke } = await this.#run(left, [...this.#alive]);
      if (suspect !== undefined) {
        await this.#run(
          left.filter((file) => file === last),
          [suspect],
        );
      }
      if (hung !== undefined) this.#kill(hung, 'it never ended');
      // What earlier mutants have left may be the cause, so it gets a second try in a new process.
      if (broke !== undefined && last !== undefined) {
        if (suspects.has(last)) {
          say(`a test fails without a mutant: ${broke}`);
          broken.add(last);
        }
        suspects.add(last);
      }
      const stopped = hung !== undefined || suspect !== undefined || broke !== undefined;
      if (last === undefined) return;
      const at = left.indexOf(last);
      left = stopped || this.#isCut ? left.slice(broken.has(last) ? at + 1 : at) : [];
    }
  }

  /** Tries mutants that were reached while tests were loaded, one a process. */
  async tryLoaded(
    tests: readonly string[],
    count: number,
    texts: ReadonlyMap<string, string>,
  ): Promise<void> {
    const loaded = this.alive.filter(({ id }) => this.#loadedBy.has(id));
    say(`${loaded.length} of the mutants that are left were reached while tests were loaded`);
    const step = Math.max(1, loaded.length / count);
    for (const [at, { id, file }] of loaded.entries()) {
      if (Math.floor(at / step) === Math.floor((at - 1) / step)) {
        this.#alive.delete(id);
        this.skipped.add(id);
        continue;
      }
      const distance = distances(texts, file);
      const by = tests
        .filter((test) => distance.has(test) && !HEAVY.test(test))
        .sort((one, other) => (distance.get(one) ?? 0) - (distance.get(other) ?? 0))
        .slice(0, MOST_FILES);
      if (by.length === 0) continue;
      const { hung } = await this.#run(by, [id], id);
      if (hung !== undefined) this.#kill(id, 'it never ended');
    }
  }

  #isCut = false;

  #kill(id: number, by: string): void {
    this.#alive.delete(id);
    this.killed.set(id, by);
  }

  async #run(
    tests: readonly string[],
    alive: readonly number[],
    fixed?: number,
  ): Promise<{ last?: string; hung?: number; suspect?: number; broke?: string }> {
    writeFileSync(this.#log, '');
    writeFileSync(join(this.#copy, 'order.json'), JSON.stringify(tests));
    const child = spawn(
      process.execPath,
      [
        'node_modules/vitest/vitest.mjs',
        'run',
        ...(fixed === undefined ? [] : ['--bail=1']),
        ...tests,
      ],
      {
        cwd: this.#copy,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          MUTANT_LOG: this.#log,
          MUTANT_ALIVE: JSON.stringify(alive),
          ...(fixed === undefined ? {} : { MUTANT_ACTIVE: String(fixed) }),
        },
      },
    );
    let output = '';
    child.stdout.on('data', (data) => {
      output = (output + data).slice(-3_000);
    });
    child.stderr.on('data', (data) => {
      output = (output + data).slice(-3_000);
    });
    const result: { last?: string; hung?: number; suspect?: number; broke?: string } = {};
    let trying: number | undefined;
    let read = 0;
    let ended = false;
    let quietLooks = 0;
    let spentThen = 0;
    const take = (): boolean => {
      const lines = readFileSync(this.#log, 'utf8').split('\n');
      const fresh = lines.slice(read, -1).map((line) => JSON.parse(line) as Report);
      read = Math.max(read, lines.length - 1);
      for (const report of fresh) {
        if ('collected' in report) {
          for (const id of report.reached) {
            this.#loadedBy.set(id, [...(this.#loadedBy.get(id) ?? []), report.collected]);
          }
        } else if ('test' in report) {
          result.last = report.test.split(': ')[0] ?? '';
          for (const id of report.reached) this.#reachedByTest.add(id);
        } else if ('trying' in report) trying = report.trying;
        else if ('killed' in report) this.#kill(report.killed, report.by);
        else if ('suspect' in report) result.suspect = report.suspect;
        else if ('broken' in report) {
          result.broke = report.broken;
          result.last = report.broken.split(': ')[0] ?? '';
        }
        if ('killed' in report || 'survived' in report || 'suspect' in report) trying = undefined;
      }
      return fresh.length > 0;
    };
    const watch = (async () => {
      while (!ended) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        const spent = secondsOf(child.pid ?? 0);
        quietLooks += 1;
        if (take()) {
          quietLooks = 0;
          spentThen = spent;
        }
        if (spent - spentThen < MOST_SECONDS && quietLooks < MOST_QUIET_LOOKS) continue;
        result.hung = trying ?? fixed ?? -1;
        process.kill(-(child.pid ?? 0), 'SIGKILL');
        break;
      }
    })();
    const code = await new Promise((resolve) => child.once('exit', resolve));
    ended = true;
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    } catch {
      // Nothing of it is left.
    }
    await watch;
    take();
    this.#isCut = code !== 0;
    if (fixed !== undefined && code !== 0 && !this.killed.has(fixed) && result.hung === undefined) {
      this.#kill(fixed, 'a test could not be loaded');
    }
    if (process.env['DEBUG']) say(`${code} ${JSON.stringify(result)} ${output}`);
    else if (code !== 0 && result.last === undefined && fixed === undefined)
      throw new Error(output);
    return result;
  }

  close(): void {
    rmSync(this.#copy, { recursive: true, force: true });
  }
}

const CONFIG = `
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { defineConfig } from 'vitest/config';
const order = JSON.parse(readFileSync('order.json', 'utf8'));
const at = ({ moduleId }) => order.indexOf(relative(process.cwd(), moduleId));
export default defineConfig({
  test: {
    include: order,
    runner: './test/mutation/runner.ts',
    globalSetup: './test/temporary.ts',
    isolate: false,
    fileParallelism: false,
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 15_000,
    teardownTimeout: 1_000,
    execArgv: ['--max-old-space-size=2000'],
    reporters: ['dot'],
    sequence: { sequencer: class { shard = (list) => list; sort = (list) => [...list].sort((a, b) => at(a) - at(b)); } },
  },
});
`;

/** The processor seconds of a process and its descendants so far. */
function secondsOf(id: number): number {
  const directory = `/proc/${id}`;
  if (!existsSync(directory)) return 0;
  try {
    const stat = readFileSync(`${directory}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const own = (Number(fields[11]) + Number(fields[12])) / 100;
    const children = readFileSync(`${directory}/task/${id}/children`, 'utf8').split(' ');
    return children.filter(Boolean).reduce((sum, child) => sum + secondsOf(Number(child)), own);
  } catch {
    return 0;
  }
}

const scores: string[] = [];
for (const room of positionals.length > 0 ? positionals : ROOMS) {
  const campaign = new Campaign(room);
  process.once('exit', () => campaign.close());
  const chosen = campaign.alive.length;
  const texts = new Map([...modules('src'), ...modules('test')]);
  const distance = distances(texts, `src/${room}/`);
  const rank = (test: string): number =>
    (HEAVY.test(test) ? 1_000 : 0) +
    (test.startsWith(`test/${room}/`) ? 0 : 100) +
    (distance.get(test) ?? 0);
  const tests = [...distance.keys()]
    .filter((file) => file.endsWith('.test.ts') && !SLOW.test(file))
    .filter((file) => file.startsWith(`test/${room}/`) || !DISK.test(file))
    .filter((file) => file.startsWith(`test/${room}/`) || (distance.get(file) ?? 9) <= 1)
    .sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1));
  say(`${room}: ${chosen} of ${campaign.mutants.length} mutants, ${tests.length} test files`);
  await campaign.tryAll(tests);
  say(`${room}: ${campaign.alive.length} are left`);
  await campaign.tryLoaded(
    tests.filter((file) => file.startsWith(`test/${room}/`)),
    Number(values.loaded),
    texts,
  );
  for (const { file, line, kind, original, replacement, id } of campaign.alive) {
    const change = `${original} → ${replacement}`.replace(/\s+/g, ' ');
    say(
      `SURVIVED ${file}:${line} ${kind}${campaign.isReached(id) ? '' : ' (not reached)'}: ${change}`,
    );
  }
  if (values.out !== '') {
    const all = campaign.mutants.map((one) => ({ ...one, by: campaign.killed.get(one.id) }));
    writeFileSync(`${values.out}-${room}.json`, JSON.stringify(all));
  }
  const total = chosen - campaign.skipped.size;
  const percent = ((100 * campaign.killed.size) / total).toFixed(1);
  scores.push(`${room}: ${campaign.killed.size} of ${total} killed (${percent} %)`);
  say(scores.at(-1) ?? '');
  campaign.close();
}
for (const score of scores) say(score);
