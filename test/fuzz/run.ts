import { parseArgs } from 'node:util';
import { type Report, replay, runCampaign } from './campaign.js';
import { readReplay, saveReplay } from './replay-file.js';

const COUNT = 100_000;
const SECONDS = 110;

const { values } = parseArgs({ options: { replay: { type: 'string' } } });
if (values.replay === undefined) await campaign();
else await again(values.replay);

async function campaign(): Promise<void> {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
  const count = Number(process.env['FUZZ_COUNT'] ?? COUNT);
  const seconds = Number(process.env['FUZZ_SECONDS'] ?? SECONDS);
  say(`FUZZ_SEED=${seed} FUZZ_COUNT=${count} FUZZ_SECONDS=${seconds}`);
  const report = await runCampaign({ seed, count, seconds });
  say(summaryOf(report));
  for (const leftover of report.leftovers) say(`FAILED at the end: ${leftover}`);
  if (report.failure !== undefined) {
    const { fault, input } = report.failure;
    say(`FAILED at input ${input.index}: ${fault}`);
    say(`smallest: ${JSON.stringify(input.bytes.toString('latin1')).slice(0, 4_000)}`);
    say(`again: npm run fuzz -- --replay ${await saveReplay(seed, report.failure)}`);
  }
  process.exitCode = report.failure === undefined && report.leftovers.length === 0 ? 0 : 1;
}

async function again(file: string): Promise<void> {
  const fault = await replay(await readReplay(file));
  say(fault === undefined ? 'nothing is wrong with it' : `FAILED: ${fault}`);
  process.exitCode = fault === undefined ? 0 : 1;
}

function summaryOf(report: Report): string {
  const statuses = [...report.statuses].sort(([a], [b]) => a - b);
  return [
    `${report.inputs} inputs in ${report.seconds.toFixed(1)} s`,
    statuses.map(([status, times]) => `${status}: ${times}`).join(', '),
    `${report.accepted} events accepted, slowest answer ${Math.round(report.slowestMs)} ms`,
    `memory ${report.memory.warm} MB after a tenth, ${report.memory.end} MB at the end`,
  ].join('\n');
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
