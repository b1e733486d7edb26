import { describe, expect, it } from 'vitest';
import { violations } from './rules.js';

const NONE = { time: new Set<string>() };
const check = (files: Record<string, string>): string[] =>
  violations(new Map(Object.entries(files)), NONE);

/** Each is a module that breaks one rule, and a part of the sentence that the rule answers with. */
const BREACHES: readonly (readonly [name: string, path: string, text: string, sentence: RegExp])[] =
  [
    [
      'an import upward',
      'event/a.ts',
      "import { x } from '../decode/b.js';",
      /event must not import decode/,
    ],
    [
      'a side effect upward',
      'core/a.ts',
      "import '../config/load.js';",
      /core must not import config/,
    ],
    [
      'a re-export upward',
      'core/a.ts',
      "export { x } from '../event/b.js';",
      /core must not import event/,
    ],
    [
      'an export of everything upward',
      'core/a.ts',
      "export * from '../event/b.js';",
      /core must not/,
    ],
    [
      'a dynamic import upward',
      'verify/a.ts',
      "export const x = () => import('../sources/b.js');",
      /verify must not import sources/,
    ],
    [
      'a type upward',
      'decode/a.ts',
      "import type { X } from '../sources/b.js';",
      /decode must not import sources/,
    ],
    [
      'an inline type upward',
      'decode/a.ts',
      "export type X = import('../sources/b.js').X;",
      /decode must not import sources/,
    ],
    [
      'a receiver that knows its inspector',
      'ingest/a.ts',
      "import type { X } from '../workbench/inspect/recorder.js';",
      /ingest must not import workbench/,
    ],
    [
      'a receiver that knows its metrics',
      'ingest/a.ts',
      "import type { Metrics } from '../telemetry/metrics.js';",
      /ingest sees only telemetry\/log\.ts/,
    ],
    [
      'a dispatcher that knows its metrics',
      'dispatch/a.ts',
      "import type { X } from '../telemetry/metrics.js';",
      /dispatch must not import telemetry/,
    ],
    [
      'a worker of another room',
      'verify/a.ts',
      "new Worker(new URL('../outbox/w.js', import.meta.url));",
      /verify must not import outbox/,
    ],
    [
      'configuration that is read, not only typed',
      'sinks/a.ts',
      "import { load } from '../config/config.js';",
      /sinks must not import config/,
    ],
    [
      'a sink that imports another',
      'sinks/http/sink.ts',
      "import { x } from '../kafka/producer.js';",
      /http must not import kafka/,
    ],
    [
      'a sink that loads another at run time',
      'sinks/http/sink.ts',
      "await import('../kafka/producer.js');",
      /http must not import kafka/,
    ],
    [
      'a shared part that imports a sink',
      'sinks/kit/a.ts',
      "import { x } from '../http/sink.js';",
      /kit must not import http/,
    ],
    [
      'a file of the room that imports a sink',
      'sinks/sink.ts',
      "import { x } from './http/sink.js';",
      /sinks must not import http/,
    ],
    [
      'an engine that imports the other',
      'outbox/memory/a.ts',
      "import { x } from '../sqlite/b.js';",
      /memory must not import sqlite/,
    ],
    [
      'dispatch that imports an engine',
      'dispatch/a.ts',
      "import { x } from '../outbox/sqlite/outbox.js';",
      /dispatch sees only outbox\/feed\.ts/,
    ],
    [
      'dispatch that loads an engine at run time',
      'dispatch/a.ts',
      "await import('../outbox/registry.js');",
      /dispatch sees only outbox\/feed\.ts/,
    ],
    [
      'dispatch that appends to the outbox',
      'dispatch/a.ts',
      "import type { Intake } from '../outbox/intake.js';",
      /dispatch sees only outbox\/feed\.ts/,
    ],
    [
      'ingest that manages the store',
      'ingest/a.ts',
      "import type { OutboxStore } from '../outbox/store.js';",
      /ingest sees only outbox\/intake\.ts/,
    ],
    [
      'dispatch that imports a sink',
      'dispatch/a.ts',
      "import { x } from '../sinks/http/sink.js';",
      /dispatch sees only sinks\/sink\.ts/,
    ],
    ['the time of day', 'event/a.ts', 'export const x = new Date();', /uses new Date\(\)/],
    ['the time of day as text', 'event/a.ts', 'export const x = Date();', /uses Date\(\)/],
    ['the time of day as a number', 'event/a.ts', 'export const x = Date.now();', /uses Date\.now/],
    [
      'the time that passes',
      'event/a.ts',
      'export const x = performance.now();',
      /uses performance\.now/,
    ],
    ['a timer', 'http/a.ts', 'setTimeout(() => {}, 1);', /uses setTimeout/],
    [
      'a timer of the global object',
      'http/a.ts',
      'globalThis.setInterval(() => {}, 1);',
      /uses setInterval/,
    ],
    [
      'a timer as a promise',
      'http/a.ts',
      "import { setTimeout } from 'node:timers/promises';",
      /uses node:timers\/promises/,
    ],
    [
      'a signal with a time limit',
      'http/a.ts',
      'export const x = AbortSignal.timeout(1);',
      /uses AbortSignal\.timeout/,
    ],
    ['immediate work', 'http/a.ts', 'setImmediate(() => {});', /uses setImmediate/],
    ['a timer by another name', 'http/a.ts', 'const later = setTimeout;', /uses setTimeout/],
    ['a timer that is passed on', 'http/a.ts', 'run(setTimeout);', /uses setTimeout/],
    [
      'a timer taken out of the global object',
      'http/a.ts',
      'const { setTimeout: later } = globalThis;',
      /uses setTimeout/,
    ],
    [
      'the time of day of the global object',
      'event/a.ts',
      'export const x = new globalThis.Date();',
      /uses new Date\(\)/,
    ],
    [
      'the time of day by a quoted name',
      'event/a.ts',
      "export const x = Date['now']();",
      /uses Date\.now/,
    ],
    [
      'the time of day as a function',
      'event/a.ts',
      'export const x = { now: 1 }; const { now } = Date;',
      /uses Date\.now/,
    ],
    [
      'the time that passes, in nanoseconds',
      'event/a.ts',
      'export const x = process.hrtime.bigint();',
      /uses process\.hrtime\.bigint/,
    ],
    [
      'the environment by a quoted name',
      'config/a.ts',
      "export const x = process['env'];",
      /reads process\.env/,
    ],
    [
      'the environment by its own name',
      'config/a.ts',
      'const { env } = process;',
      /reads process\.env/,
    ],
    [
      'the environment as an import',
      'config/a.ts',
      "import { env } from 'node:process';",
      /reads process\.env/,
    ],
    [
      'a listener that knows the metrics',
      'http/a.ts',
      "import type { X } from '../telemetry/metrics.js';",
      /http sees only telemetry\/log\.ts/,
    ],
    [
      'an admin API that imports a lane',
      'admin/a.ts',
      "import { x } from '../dispatch/lane/lane.js';",
      /admin sees only dispatch\/health\.ts/,
    ],
    [
      'an admin API that imports an engine',
      'admin/a.ts',
      "import { x } from '../outbox/sqlite/outbox.js';",
      /admin sees only outbox\/intake\.ts/,
    ],
    [
      'a workbench that imports an engine',
      'workbench/a.ts',
      "import { x } from '../outbox/memory/outbox.js';",
      /workbench sees only outbox\/intake\.ts/,
    ],
    [
      'a module that requires an upper one',
      'core/a.ts',
      "require('../event/b.js');",
      /core must not import event/,
    ],
    ['the environment', 'config/a.ts', 'export const x = process.env.HOME;', /reads process\.env/],
    ['Koa below the listeners', 'sources/a.ts', "import Koa from 'koa';", /know Koa/],
    [
      'a computed import',
      'event/a.ts',
      'export const x = (name: string) => import(name);',
      /name is computed/,
    ],
    ['a room that nobody knows', 'utils/a.ts', 'export {};', /in no room/],
  ];

describe('the rules of the rooms catch', () => {
  it.each(BREACHES)('%s', (_name, path, text, sentence) => {
    expect(check({ [path]: text })).toEqual([expect.stringMatching(sentence)]);
  });

  it('a verification scheme that imports another', () => {
    const registry = "import { a } from './a.js';\nimport { b } from './b.js';";
    const files = { 'verify/registry.ts': registry, 'verify/a.ts': "import { b } from './b.js';" };
    expect(check(files)).toEqual(['verify/a.ts imports its sibling verify/b.ts']);
  });

  it('modules that import each other over a third', () => {
    const files = {
      'event/a.ts': "import { b } from './b.js';",
      'event/b.ts': "import type { C } from './c.js';",
      'event/c.ts': "export const a = () => import('./a.js');",
    };
    expect(check(files)).toEqual(['a circle: event/a.ts → event/b.ts → event/c.ts → event/a.ts']);
  });

  it('nothing where every import goes down', () => {
    expect(
      check({
        'sinks/http/sink.ts': "import { x } from '../kit/a.js';\nimport { y } from './b.js';",
        'sinks/registry.ts': "export const load = () => import('./http/sink.js');",
        'dispatch/a.ts': "import type { Feed } from '../outbox/feed.js';",
        'http/a.ts': "import type { Config } from '../config/config.js';",
        'event/a.ts': 'export const x = (time: number) => new Date(time);',
        'core/clock.ts': 'export const now = () => Date.now();',
      }),
    ).toEqual([]);
  });
});
