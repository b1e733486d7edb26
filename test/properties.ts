import { configureGlobal } from 'fast-check';

/**
 * Gives every property the same inputs in each run: whether a change passes must not depend on chance. `FC_SEED=random`
 * searches with other inputs each time, `FC_SEED=N` repeats a run; a failure prints its seed.
 */
const seed = process.env['FC_SEED'] ?? '1';
configureGlobal(seed === 'random' ? {} : { seed: Number(seed) });
