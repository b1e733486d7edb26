import { readFileSync } from 'node:fs';
import { SINGLE } from '../load/shapes.js';
import { say } from '../say.js';
import { measurePeak, type PeakSubject } from '../sections/peak.js';
import { startBare } from '../servers/by-hand.js';
import { startReceiver } from '../servers/receiver.js';
import { judge } from './verdict.js';

const ROUNDS = 5;
const SETTINGS = { rounds: ROUNDS, requests: 6_000, events: 0, full: false };

/**
 * Compares the CPU time of a request with the bare server's in the same run. It needs a machine without other work: beside
 * 20 busy processes on two cores, single rounds ranged from 2.3 to 7.7. So it is not part of `.ci/run`. Returns the exit code.
 */
export async function guard(): Promise<number> {
  const { cpuRatio } = JSON.parse(
    readFileSync(new URL('committed.json', import.meta.url), 'utf8'),
  ) as { readonly cpuRatio: number };
  const subjects: Record<'ours' | 'bare', PeakSubject> = {
    ours: { name: 'Trackbridge', shape: SINGLE, start: () => startReceiver() },
    bare: { name: 'bare', shape: SINGLE, start: () => startBare() },
  };
  const rounds: { ours: number; bare: number }[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const ours = await measurePeak(subjects.ours, SETTINGS);
    const bare = await measurePeak(subjects.bare, SETTINGS);
    rounds.push({ ours: ours.cpu, bare: bare.cpu });
    say(
      `round ${round} of ${ROUNDS}: ${ours.cpu.toFixed(0)} µs CPU per request, bare ${bare.cpu.toFixed(0)} µs`,
    );
  }
  const { limit, passes, ratio } = judge(rounds, cpuRatio);
  say(
    `CPU ratio ${ratio.toFixed(2)}; committed ${cpuRatio}, at most ${limit.toFixed(2)}: ${passes ? 'passed' : 'FAILED'}`,
  );
  if (!passes) {
    say(
      'A request costs at least a third more CPU than before. Find the cause with `npm run bench -- --only servers`. ' +
        'If the cost is intended, change `bench/guard/committed.json`.',
    );
  }
  return passes ? 0 : 1;
}
