import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: './test/temporary.ts',
    // Most of the time of end-to-end tests is waiting for the program, so three are no crowd on two cores.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // Real sockets and fsyncs on a shared machine: a slow moment must not read as a failure.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // There a single slow moment among three runs of thousands of tests must not refuse a change. What needs its second
    // try is a defect all the same, and `closing-line.ts` names it; elsewhere it fails.
    retry: process.env['CI'] ? 1 : 0,
    reporters: ['default', './test/closing-line.ts'],
    coverage: { provider: 'v8', include: ['src/**'] },
  },
});
