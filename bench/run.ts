// Measures the receiver beside servers that do the same work, all in one run: `npm run bench`. Single figures are the
// machine's mood; the ratios are what counts. `docs/performance.md` shows the newest result, and how to read it.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { guard } from './guard/guard.js';
import { moveLoad } from './machine/cores.js';
import { describeMachine } from './machine/describe.js';
import { type Options, parseOptions, USAGE } from './options.js';
import type { Result, SectionResult, Settings } from './report/result.js';
import { sectionTable } from './report/table.js';
import { say } from './say.js';
import type { Section } from './sections/section.js';
import { SECTIONS } from './sections/sections.js';

const RESULTS = new URL('results/', import.meta.url);

async function runSection({ name, run }: Section, settings: Settings): Promise<SectionResult> {
  const startedAt = performance.now();
  const notes: string[] = [];
  const errors: string[] = [];
  const messageOf = (error: unknown): string =>
    (error instanceof Error ? error.message : String(error)).split('\n').slice(0, 3).join(' ');
  say(`\n== ${name}`);
  const lines = await run({
    settings,
    note: (sentence) => void notes.push(sentence),
    fail(line, error) {
      errors.push(`${line}: ${messageOf(error)}`);
      say(`! ${line}: ${error instanceof Error ? error.stack : String(error)}`);
    },
    progress: say,
  }).catch((error: unknown) => {
    errors.push(messageOf(error));
    return [];
  });
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const result = { name, lines, notes, errors, seconds };
  say(`\n${sectionTable(result)}\n(${seconds} s)`);
  return result;
}

async function bench({ json, sections, settings }: Options): Promise<number> {
  const machine = describeMachine();
  moveLoad();
  say(JSON.stringify(machine));
  const results: SectionResult[] = [];
  const isWhole = sections.length === SECTIONS.length;
  const file =
    json ?? (isWhole ? fileURLToPath(new URL(nameOf(machine.date), RESULTS)) : undefined);
  for (const section of SECTIONS.filter(({ name }) => sections.includes(name))) {
    results.push(await runSection(section, settings));
    // Written after each section, so that an interrupted run keeps its finished sections.
    if (file !== undefined) write(file, { machine, settings, sections: results });
  }
  const errors = results.flatMap((section) =>
    section.errors.map((text) => `${section.name}: ${text}`),
  );
  say('');
  if (file !== undefined) say(`The result is in ${file}. \`npm run docs\` shows it in the manual.`);
  for (const error of errors) say(`! ${error}`);
  return errors.length === 0 ? 0 : 1;
}

function nameOf(date: string): string {
  return `${date.slice(0, 16).replace(':', '-')}.json`;
}

function write(file: string, result: Result): void {
  // Four digits are more than rounds repeat.
  const short = (_: string, value: unknown): unknown =>
    typeof value === 'number' ? Number(value.toPrecision(4)) : value;
  writeFileSync(file, `${JSON.stringify(result, short, 2)}\n`);
}

async function main(): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(
      process.argv.slice(2),
      SECTIONS.map(({ name }) => name),
    );
  } catch (error) {
    say(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  return options.guard ? await guard() : await bench(options);
}

process.exitCode = await main();
