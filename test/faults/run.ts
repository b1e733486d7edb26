// The fault matrix: breaks what a receiver stands on, one row after the other, and counts what came of it.
// `npm run faults [-- --row NAME] [--json] [--write]`; exits 1 where a row does not hold, 2 on wrong usage.
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Harness } from './harness.js';
import { ROWS } from './rows.js';
import { forTerminal, holds, type Result, writeInto } from './table.js';

const README = new URL('../../README.md', import.meta.url);

interface Options {
  readonly row?: string[];
  readonly json?: boolean;
  readonly write?: boolean;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const hint = (text: string): void => void process.stderr.write(`${text}\n`);

function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      row: { type: 'string', multiple: true },
      json: { type: 'boolean' },
      write: { type: 'boolean' },
    },
  });
  const names = ROWS.map(({ name }) => name);
  for (const name of values.row ?? []) {
    if (!names.includes(name)) throw new Error(`no row "${name}"; there are ${names.join(', ')}`);
  }
  return values;
}

async function main(options: Options): Promise<boolean> {
  const harness = new Harness();
  const interrupt = (): void => {
    void harness.end().finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);

  const results: Result[] = [];
  for (const row of ROWS.filter(({ name }) => options.row?.includes(name) ?? true)) {
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
    const names = ROWS.map(({ name }) => name);
    await writeFile(README, writeInto(await readFile(README, 'utf8'), results, names));
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
