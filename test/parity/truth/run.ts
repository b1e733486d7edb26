// Measures the verdicts of parity against traffic with known faults: `npm run parity:truth -- --calls 100000 --seed 7`.
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measure } from './measure.js';

const START = 1_790_000_000_000;
const { values } = parseArgs({
  options: { calls: { type: 'string', default: '20000' }, seed: { type: 'string', default: '1' } },
});
const seed = values.seed === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const out = (line: string): void => void process.stdout.write(`${line}\n`);

out(`seed ${seed}, ${values.calls} calls`);
for (const [title, sharesIds, bursts] of [
  ['shared messageIds', true, false],
  ['no shared messageIds, normal traffic', false, false],
  ['no shared messageIds, bursts', false, true],
] as const) {
  const path = join(tmpdir(), `parity-truth-${process.pid}.db`);
  const startedAt = performance.now();
  const options = { calls: Number(values.calls), start: START, sharesIds, bursts };
  const { calls, memory, scores } = measure(seed, options, path);
  const seconds = (performance.now() - startedAt) / 1000;
  out(`\n${title}: ${calls} calls in ${seconds.toFixed(0)} s, ${Math.round(memory / 2 ** 20)} MB`);
  for (const { found, precision, recall, truth, what } of scores) {
    out(
      `  ${what.padEnd(24)} truth ${String(truth).padStart(8)}  found ${String(found).padStart(8)}  precision ${precision.toFixed(5)}  recall ${recall.toFixed(5)}`,
    );
  }
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
}
