// Part of the instrumented program: which mutant is on, and which places were reached. Workers and child processes get
// the number by the environment, and report places through a file.
import { appendFileSync } from 'node:fs';

interface State {
  /** The number of the mutant that is on, -1 if none is. */
  active: number;
  readonly reached: Set<number>;
  /** Rounds of loops so far, and where to stop. */
  rounds: number;
  mostRounds: number;
  /** Whether the runner reads `reached` itself. */
  isMain: boolean;
}

// Vitest and Node may each load this module, so the state belongs to the thread.
const thread = globalThis as { trackbridgeMutants?: State };
thread.trackbridgeMutants ??= {
  active: Number(process.env['MUTANT_ACTIVE'] ?? -1),
  reached: new Set(),
  rounds: 0,
  mostRounds: Number.POSITIVE_INFINITY,
  isMain: false,
};
export const state = thread.trackbridgeMutants;

/**
 * Whether the mutant of a place is on.
 *
 * @public Instrumented modules import it.
 */
export function m(id: number): boolean {
  if (!state.reached.has(id)) {
    state.reached.add(id);
    const file = process.env['MUTANT_REACHED'];
    if (!state.isMain && file !== undefined) appendFileSync(file, `${id}\n`);
  }
  return id === state.active;
}

/**
 * Counts a round of a loop. Throws if a mutant has made it endless.
 *
 * @public Instrumented modules import it.
 */
export function t(): void {
  if (++state.rounds > state.mostRounds) throw new Error('endless loop');
}
