// The fault matrix: breaks what a receiver stands on, one row after the other, and counts what came of it.
// `npm run faults [-- --engine postgres] [--row NAME] [--events N] [--json] [--write]`; exits 1 where a row does not hold, 2 on wrong usage.
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Harness } from './harness.js';
import { POSTGRES_ROWS } from './postgres/rows.js';
import type { Row } from './row.js';
import { ROWS } from './rows.js';
import { forTerminal, holds, type Result, writeInto } from './table.js';

/** The rows of each engine, and the page with their table. */
const ENGINES: Readonly<Record<string, { readonly rows: readonly Row[]; readonly page: string }>> =
  {
    sqlite: { rows: ROWS, page: 'faults-and-guarantees.md' },
    postgres: { rows: POSTGRES_ROWS, page: 'many-machines.md' },
  };

interface Options {
  readonly engine: keyof typeof ENGINES;
  readonly row?: string[];
  /** How many events each row of PostgreSQL sends. */
  readonly events?: string;
  readonly json?: boolean;
  readonly write?: boolean;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const hint = (text: string): void => void process.stderr.write(`${text}\n`);

function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      engine: { type: 'string', default: 'sqlite' },
      row: { type: 'string', multiple: true },
      events: { type: 'string' },
      json: { type: 'boolean' },
      write: { type: 'boolean' },
    },
  });
  const names = rowsOf(values.engine).map(({ name }) => name);
  if (values.events !== undefined && !/^[1-9]\d*$/.test(values.events)) {
    throw new Error('--events must be a whole number above 0');
  }
  for (const name of values.row ?? []) {
    if (!names.includes(name)) throw new Error(`no row "${name}"; there are ${names.join(', ')}`);
  }
  return values;
}

function rowsOf(engine: string): readonly Row[] {
  const rows = ENGINES[engine]?.rows;
  if (rows === undefined) {
    throw new Error(`no engine "${engine}"; there are ${Object.keys(ENGINES).join(', ')}`);
  }
  return rows;
}

async function main(options: Options): Promise<boolean> {
  const harness = new Harness(options.events === undefined ? undefined : Number(options.events));
  const interrupt = (): void => {
    void harness.end().finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);

  const results: Result[] = [];
  const rows = rowsOf(options.engine);
  for (const row of rows.filter(({ name }) => options.row?.includes(name) ?? true)) {
    hint(`${row.name}: ${row.fault}`);
    results.push(await harness.run(row));
  }
  if (options.json === true) {
    const rows = results.map(({ row: { name, fault, mustHold }, outcome, tookMs }) => {
      return { name, fault, mustHold, holds: holds(outcome), ...outcome, tookMs };
    });
    say(JSON.stringify(rows, null, 2));
  } else {
    say(forTerminal(results));
  }
  if (options.write === true) {
    const names = rows.map(({ name }) => name);
    const page = new URL(`../../docs/${ENGINES[options.engine]?.page}`, import.meta.url);
    await writeFile(page, writeInto(await readFile(page, 'utf8'), results, names));
  }
  return results.every(({ outcome }) => holds(outcome));
}

let options: Options | undefined;
try {
  options = optionsOf(process.argv.slice(2));
} catch (error) {
  hint(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
if (options !== undefined) {
  process.exitCode = (await main(options)) ? 0 : 1;
  // A row that ran out of time may still be waiting for something; nobody waits for it.
  setTimeout(() => process.exit(), 1_000).unref();
}
