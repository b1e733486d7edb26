// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references look like template strings.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type References, substitute } from '../../../src/config/document/references.js';
import { Problems } from '../../../src/config/problems/problems.js';
import { configErrorOf, ENV, fromObject, load, problemsOf } from '../support.js';

function replace(value: unknown, env: Record<string, string> = {}): unknown {
  const references: References = { whole: new Map(), all: new Set() };
  const problems = new Problems({});
  const result = substitute(value, '', env, references, problems);
  problems.throwIfAny();
  return result;
}

describe('substitute', () => {
  it('replaces every reference of a text, wherever it stands', () => {
    expect(replace('${A}-${B}/${A}', { A: '1', B: '2' })).toBe('1-2/1');
    expect(replace({ list: [{ key: 'x${A}' }] }, { A: '1' })).toEqual({ list: [{ key: 'x1' }] });
  });

  it('takes the default where the variable is unset or empty, as a shell does', () => {
    expect(replace('${A:-b c}', {})).toBe('b c');
    expect(replace('${A:-b}', { A: '' })).toBe('b');
    expect(replace('${A:-b}', { A: 'a' })).toBe('a');
    expect(replace('${A:-}', {})).toBe('');
  });

  it('takes an empty variable as set where there is no default', () => {
    expect(replace('[${A}]', { A: '' })).toBe('[]');
  });

  it('leaves $${ as a plain ${, and a lone $ alone', () => {
    expect(replace('$${A} $5 $A', {})).toBe('${A} $5 $A');
  });

  it('does not look for references in what it put in', () => {
    expect(replace('${A}', { A: '${B}', B: 'no' })).toBe('${B}');
    expect(replace('${A}', { A: '$& $1 $$' })).toBe('$& $1 $$');
  });

  it.each(['${', '${}', '${A', '${A-b}', '${1A}', '${A:-${B}}', 'x ${ A }'])(
    'refuses %s',
    (text) => {
      expect(configErrorOf(() => replace({ key: text }, { A: '1', B: '2' })).message).toMatch(
        /^key contains \$\{ without a valid \$\{NAME\}/,
      );
    },
  );

  it.each(['constructor', '__proto__', 'toString'])(
    'does not find %s in an environment',
    (name) => {
      expect(() => replace(`\${${name}}`)).toThrow(/is not set/);
    },
  );

  it('copies plain JSON as it is, and drops what is undefined', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value).replaceAll('$', '').replaceAll('__proto__', 'p');
        expect(replace(JSON.parse(text))).toEqual(JSON.parse(text));
      }),
    );
    expect(replace({ a: undefined, b: 1 })).toEqual({ b: 1 });
  });

  it('refuses functions, bigints, cycles and __proto__', () => {
    const cycle: Record<string, unknown> = {};
    cycle['a'] = cycle;
    cycle['b'] = cycle;
    expect(() => replace({ f: () => 1 })).toThrow(/^f is a function/);
    expect(() => replace({ n: 1n })).toThrow(/^n is a bigint/);
    expect(() => replace(cycle)).toThrow(/is nested too deeply/);
    expect(() => replace(JSON.parse('{"__proto__":{"x":1}}'))).toThrow(/is not allowed as a name/);
  });
});

describe('references in a configuration', () => {
  it('names the key, the variable and the place of one that is not set', () => {
    expect(problemsOf('admin:\n  token: ${TRACKBRIDGE_ADMIN_TOKEN}\n')).toEqual([
      'trackbridge.yaml:2:10: admin.token refers to the environment variable TRACKBRIDGE_ADMIN_TOKEN, which is not set; ' +
        'set it, or write ${TRACKBRIDGE_ADMIN_TOKEN:-default}',
    ]);
  });

  it('become the number or boolean that the option asks for', () => {
    const env = { ...ENV, P: '9000', T: 'true', R: '0.5', W: '3s' };
    const text = [
      'server: { port: "${P}", trustProxy: "${T}", budget: "${W}", bodyLimit: "${P}" }',
      'sources: { s: { type: segment, verify: { scheme: none }, rateLimit: { perSecond: "${R}" } } }',
    ].join('\n');
    const { config } = load(text, { env });
    expect(config.server).toMatchObject({
      port: 9000,
      trustProxy: true,
      budget: 3000,
      bodyLimit: 9000,
    });
    expect(config.sources['s']?.rateLimit).toEqual({ perSecond: 0.5, burst: 1 });
  });

  it.each([
    ['2', 2],
    ['true', true],
  ])('become what an option asks for that may be of several kinds: %s', (value, trustProxy) => {
    const env = { ...ENV, T: value };
    expect(load('server: { trustProxy: "${T}" }', { env }).config.server).toMatchObject({
      trustProxy,
    });
  });

  it('stay text where the option is a text, whatever they look like', () => {
    const env = { ...ENV, S: '12345678901234567890' };
    const { config } = load(
      'sources: { s: { type: rudderstack, verify: { scheme: shared-secret, secrets: ["${S}"] } } }',
      { env },
    );
    expect(config.sources['s']?.verify).toMatchObject([{ secrets: ['12345678901234567890'] }]);
  });

  it('do not turn a number that was written in quotes into one', () => {
    expect(problemsOf('server: { port: "8080" }')).toEqual([
      'trackbridge.yaml:1:17: server.port must be a whole number',
    ]);
  });

  it('are named in errors without their value', () => {
    const env = { ...ENV, P: 'hunter2' };
    const text = [
      'server: { port: "${P}", budget: "${P}", host: "[${P}]" }',
      'outbox: { type: "${P}" }',
      'sources: { s: { type: segment, verify: { scheme: "${P}" }, untyped: { as: "${P}" }, ack: "${P}" } }',
      'sinks: { f: { type: "x${P}" }, g: { type: stdout, format: "${P}" } }',
    ].join('\n');
    const lines = problemsOf(text, { env });
    expect(lines).toHaveLength(8);
    expect(lines.join('\n')).not.toContain('hunter2');
    expect(lines[0]).toBe(
      'trackbridge.yaml:1:17: server.port must be a whole number, which P is not',
    );
  });

  it('never change the structure, whatever the variable holds', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '"}, evil: {',
        '\n  evil: 1',
        '[1]',
        '{a: b}',
        '*x',
        '!t',
        '# c',
        '${X}',
        'null',
      ),
    );
    fc.assert(
      fc.property(text, (value) => {
        const config = {
          sources: {},
          sinks: {
            m: { type: 'module', path: 'm.mjs', options: { key: '${X}', list: ['a${X}b'] } },
          },
        };
        const { sinks } = fromObject(config, { X: value }).config;
        expect(sinks['m']?.options['options']).toEqual({ key: value, list: [`a${value}b`] });
      }),
      { numRuns: 30 },
    );
  });
});
