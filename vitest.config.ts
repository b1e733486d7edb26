import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Takes minutes: the vendors' SDKs, searches over many inputs, every way in which a secret could show. */
const SLOW = [
  'test/sdk/**/*.test.ts',
  'test/fuzz/**/*.test.ts',
  'test/regexes.test.ts',
  'test/workbench/explain/**/*.test.ts',
  'test/e2e/secrets.test.ts',
  'test/e2e/reload/hundred.test.ts',
];

/** Needs the built program, a real server, a real browser or a real disk. */
const SYSTEM = [
  'test/e2e/**/*.test.ts',
  'test/docs/**/*.test.ts',
  'test/deploy/proxies/**/*.test.ts',
  'test/deploy/members/started.test.ts',
  'test/package.test.ts',
  'test/dockerfile.test.ts',
  'test/support/**/*.test.ts',
  'test/shim/**/*.test.ts',
  'test/outbox/{postgres,sqlite}/**/*.test.ts',
  'test/sinks/{clickhouse,kafka,mqtt,nats,postgres,rabbitmq,redis,s3}/**/*.test.ts',
  'test/workbench/{doctor,inspector}/**/*.test.ts',
];

/** Is about documents, the image and browsers, and the same on every version of Node. CI runs it on one. */
const SAME_EVERYWHERE = ['test/docs/**', 'test/dockerfile.test.ts', 'test/workbench/**'];
const skipped = process.env['SKIP_SAME_EVERYWHERE'] ? SAME_EVERYWHERE : [];

const project = (name: string, include: string[], exclude: string[]) => ({
  extends: true as const,
  test: { name, include, exclude },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', ['test/**/*.test.ts'], [...SYSTEM, ...SLOW, ...skipped]),
      project('system', SYSTEM, [...SLOW, ...skipped]),
      project('slow', SLOW, []),
    ],
    globalSetup: './test/temporary.ts',
    setupFiles: './test/properties.ts',
    // End-to-end tests mostly wait for the program, so two cores run three of them at once.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // Real sockets and fsyncs on a shared machine: a slow moment must not read as a failure.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // In CI one slow moment among three runs of thousands of tests must not reject a change. A test that needs its second
    // try is a defect all the same, and `closing-line.ts` names it; elsewhere it fails.
    retry: process.env['CI'] ? 1 : 0,
    reporters: ['default', './test/closing-line.ts'],
    coverage: { provider: 'v8', include: ['src/**'] },
  },
});
