// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references look like template strings.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFile } from '../../src/config/document/parse.js';
import { TrackbridgeError } from '../../src/core/errors.js';
import { fromObject } from './support.js';

/** Runs it, and says what it threw; passes on anything but our own error. */
function outcome(run: () => unknown): TrackbridgeError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof TrackbridgeError && error.code === 'CONFIG_INVALID') return error;
    throw error;
  }
}

const KEYS = [
  'server',
  'admin',
  'outbox',
  'sources',
  'sinks',
  'type',
  'scheme',
  'verify',
  'secrets',
  'path',
  'port',
  'budget',
  'where',
  'batch',
  'retry',
  'format',
  'url',
  'query',
  'rateLimit',
  'cors',
  '__proto__',
  'constructor',
  '/',
  '~',
];
const VALUES = [
  'segment',
  'rudderstack',
  'file',
  'http',
  'sqlite',
  'none',
  'hmac',
  'jwt',
  '5s',
  '8mb',
  '/x',
  '${X}',
  '${',
  '$${',
  '',
];

/** Values that look like a configuration often enough to get past the first check. */
const almost = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.constantFrom<unknown>(...VALUES, null, true, 0, -1, 80, 1.5, Number.NaN, undefined),
    fc.string(),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...KEYS), fc.string()), tie('value'), { maxKeys: 5 }),
  ),
})).value;

const sourceLike = fc.record(
  { type: fc.constantFrom('segment', 'rudderstack'), verify: almost, query: almost },
  { requiredKeys: [] },
);
const sinkLike = fc.record(
  { type: fc.constantFrom('file', 'http', 'stdout'), path: almost, where: almost },
  { requiredKeys: [] },
);
const configLike = fc.record(
  {
    server: almost,
    admin: almost,
    outbox: almost,
    sources: fc.oneof(almost, fc.dictionary(fc.constantFrom('a', 'b', 'c'), sourceLike)),
    sinks: fc.oneof(almost, fc.dictionary(fc.constantFrom('a', 'b', 'c'), sinkLike)),
  },
  { requiredKeys: [] },
);

describe('whatever it is given', () => {
  it('a configuration either resolves or is refused with CONFIG_INVALID in one-line errors', () => {
    fc.assert(
      fc.property(fc.oneof(configLike, almost, fc.anything()), (value) => {
        const error = outcome(() => fromObject(value));
        for (const line of [
          error?.message ?? '',
          ...(error?.errors ?? []).map(({ message }) => message),
        ]) {
          expect(line).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]|\[object/u);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('a text either parses or is refused with CONFIG_INVALID', () => {
    const fragments = fc.constantFrom(
      'a:',
      ' ',
      '\n',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '*a',
      '&a ',
      '!x ',
      '|',
      '#',
      '\t',
      '%',
      '---',
      '<<:',
      '? ',
      ',',
    );
    const text = fc.oneof(
      fc.string(),
      fc
        .array(fc.oneof(fragments, fc.string({ maxLength: 3 })), { maxLength: 25 })
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (text) => {
        outcome(() => {
          const { locate } = parseFile(text, 'f');
          locate('/a/0/b', 'value');
        });
      }),
      { numRuns: 2_000 },
    );
  });
});
