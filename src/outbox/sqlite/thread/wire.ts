import { fromColumns, toColumns } from '../../event-columns.js';
import type { AppendResult, PackedResult, PackedSteps, Step, StepResults } from './messages.js';

type Result = StepResults[keyof StepResults];

export function packSteps(steps: readonly Step[]): PackedSteps {
  const events = steps.flatMap((step) => (appendsOnly(step) ? step.events : []));
  return {
    steps: steps.map((step) => (appendsOnly(step) ? step.events.length : step)),
    ...toColumns(events),
  };
}

/** Reverses `packSteps`. */
export function unpackSteps(packed: PackedSteps): readonly Step[] {
  let next = 0;
  return packed.steps.map((step) => {
    if (typeof step !== 'number') return step;
    const from = next;
    next += step;
    const events = fromColumns(packed, from, next);
    return { kind: 'append', events, quarantined: [] };
  });
}

export function packResults(steps: readonly Step[], results: readonly Result[]): PackedResult[] {
  return results.map((result, at) => {
    const step = steps[at];
    if (step === undefined || !appendsOnly(step)) return result;
    const appended = result as AppendResult;
    if ('refused' in appended) return appended;
    const [first = null] = appended.positions;
    return appended.positions.length === 1 ? first : appended.positions;
  });
}

/** Reverses `packResults`. `steps` are the same. */
export function unpackResults(steps: readonly Step[], packed: readonly PackedResult[]): Result[] {
  return packed.map((result, at) => {
    const step = steps[at];
    if (step === undefined || !appendsOnly(step)) return result as Result;
    if (Array.isArray(result)) return { positions: result };
    return result === null || typeof result === 'number'
      ? { positions: [result] }
      : (result as AppendResult);
  });
}

function appendsOnly(step: Step): step is Extract<Step, { kind: 'append' }> {
  return step.kind === 'append' && step.quarantined.length === 0;
}
