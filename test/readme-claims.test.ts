import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { LIMITS } from '../src/decode/limits.js';
import { createMetrics } from '../src/telemetry/metrics.js';
import { anchorsOf, codeIn, fence, linksOf, section, tableOf } from './support/markdown.js';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const README = read('README.md');

interface Schema {
  readonly $ref?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly $defs?: Readonly<Record<string, Schema>>;
}
const CONFIG: Schema = JSON.parse(read('schemas/config.schema.json'));
const SINKS = [
  'stdout',
  'file',
  'http',
  'segment',
  'rudderstack',
  'postgres',
  'kafka',
  'redis',
  's3',
  'rabbitmq',
  'clickhouse',
  'nats',
  'mqtt',
  'module',
];
const sinkSchema = (type: string): Schema => JSON.parse(read(`schemas/sinks/${type}.schema.json`));

/** A schema with what it refers to; what stands beside a `$ref` comes first. */
const resolved = (schema: Schema): Schema => {
  const { $ref, ...beside } = schema;
  if ($ref === undefined) return schema;
  return { ...CONFIG.$defs?.[$ref.replace('#/$defs/', '')], ...beside };
};
const definition = (name: string): Schema => resolved({ $ref: `#/$defs/${name}` });
const optionsOf = (schema: Schema): Readonly<Record<string, Schema>> =>
  Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, each]) => [name, resolved(each)]),
  );
const keysOf = (schema: Schema): string[] => Object.keys(schema.properties ?? {});

/** What an option is where it is left out: its default, with the defaults of its members where that is `{}`. */
function defaultOf(schema: Schema): unknown {
  if (JSON.stringify(schema.default) !== '{}') return schema.default;
  const members = Object.entries(optionsOf(schema)).map(([name, each]) => [name, defaultOf(each)]);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

/** Whether a text names an option or a choice as a word of its own. */
const names = (text: string, word: string): boolean =>
  new RegExp(`(?<![\\w-])${word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w-])`).test(text);

describe('the README’s sample configuration', () => {
  const sample = parse(fence(README, 'yaml', 'config'));

  it.each(['server', 'outbox', 'admin'])('names every option of %s', (name) => {
    const part = name === 'outbox' ? 'outbox-sqlite' : name;
    const written = Object.keys(sample[name]);
    // Instead of the token, and shown by itself.
    if (name === 'admin') written.push(...Object.keys(parse(fence(README, 'yaml', 'admin')).admin));
    expect(written).toEqual(keysOf(definition(part)));
  });

  it('shows the schema’s defaults, but for admin and orders', () => {
    const { admin, server, outbox, sources, sinks, ...rest } = sample;
    expect(rest).toEqual({});
    expect(server).toEqual(defaultOf({ ...definition('server'), default: {} }));
    expect(outbox).toEqual(defaultOf({ ...definition('outbox-sqlite'), default: {} }));
    const { token, ...listener } = admin;
    expect(token).toMatch(/^\$\{[A-Z_]+\}$/);
    expect(listener).toEqual(defaultOf({ ...definition('admin'), default: {} }));
    expect(sources).toEqual(CONFIG.properties?.['sources']?.default);
    const { orders, ...others } = sinks;
    expect(others).toEqual(CONFIG.properties?.['sinks']?.default);
    const sink = optionsOf(definition('sink'));
    for (const name of ['batch', 'lanes', 'retry']) {
      expect(orders[name], name).toEqual(defaultOf(sink[name] ?? {}));
    }
  });
});

describe('the README’s JSON Web Token for operators', () => {
  it('names every option, jwks standing for key', () => {
    const { jwt } = parse(fence(README, 'yaml', 'admin')).admin;
    const known = keysOf(definition('adminJwt')).filter((option) => option !== 'key');
    const text = section(README, 'Operating it');
    for (const option of known) expect(names(text, option), option).toBe(true);
    expect(known).toEqual(expect.arrayContaining(Object.keys(jwt)));
  });
});

describe.each([
  ['Sources', 0, Object.keys(CONFIG.$defs ?? {}).filter((name) => name.startsWith('source-'))],
  ['Sinks', 1, ['sink']],
])('the README’s table of options under %s', (heading, index, definitions) => {
  const rows = tableOf(section(README, heading), index);
  const options: Readonly<Record<string, Schema>> = Object.assign(
    {},
    ...definitions.map((name) => optionsOf(definition(name))),
  );
  const named = rows.map(([option]) => codeIn(String(option))[0]);

  it('names exactly those the schema has', () => {
    // `type` of a sink is the table above this one.
    const known = Object.keys(options).filter((name) => heading === 'Sources' || name !== 'type');
    expect([...named].sort()).toEqual(known.sort());
  });

  it('gives the schema’s defaults', () => {
    for (const [option, written] of rows) {
      const name = String(codeIn(String(option))[0]);
      const value = codeIn(String(written)).map((text) => parse(text));
      const byDefinition = definitions.map((each) => {
        const schema = optionsOf(definition(each))[name];
        return schema === undefined ? undefined : defaultOf(schema);
      });
      const expected = [...new Set(byDefinition.map((each) => JSON.stringify(each)))]
        .filter((each) => each !== undefined && each !== '{}')
        .map((each) => JSON.parse(each));
      expect(value, name).toEqual(expected);
    }
  });

  it('names every member and choice of each', () => {
    for (const row of rows) {
      const name = String(codeIn(row.join(' '))[0]);
      const schema = options[name] ?? {};
      // Schemes have a table of their own; what the sources are for is told above.
      const text = `${row.join(' ')} ${fence(README, 'yaml', 'config')}`;
      for (const member of keysOf(schema))
        expect(names(text, member), `${name}: ${member}`).toBe(true);
      for (const choice of schema.enum ?? []) {
        expect(names(text, String(choice)), `${name}: ${choice}`).toBe(true);
      }
    }
  });
});

describe('the README’s table of verification schemes', () => {
  const rows = tableOf(section(README, 'Verification schemes'));

  it('names exactly the schemes there are', () => {
    const schemes = optionsOf(definition('scheme'))['scheme']?.enum;
    expect(rows.map(([scheme]) => codeIn(String(scheme))[0])).toEqual(schemes);
  });

  it('names exactly the options of each', () => {
    for (const [scheme, options] of rows) {
      const name = String(codeIn(String(scheme))[0]);
      const known = keysOf(definition(`verify-${name}`)).filter((option) => option !== 'scheme');
      expect([...codeIn(String(options))].sort(), name).toEqual(known.sort());
    }
  });

  it('names every choice and default of each', () => {
    for (const [scheme, , meaning] of rows) {
      const name = String(codeIn(String(scheme))[0]);
      const text = `${meaning} ${section(README, 'What you can rely on')}`;
      for (const [option, schema] of Object.entries(optionsOf(definition(`verify-${name}`)))) {
        for (const choice of schema.enum ?? []) {
          expect(names(text, String(choice)), `${name}.${option}: ${choice}`).toBe(true);
        }
      }
    }
    const hmac = rows.find(([scheme]) => scheme === '`hmac`')?.join(' ');
    const { algorithm, encoding } = optionsOf(definition('verify-hmac'));
    for (const value of [algorithm?.default, encoding?.default]) {
      expect(hmac).toContain(`\`${String(value)}\` (default)`);
    }
  });
});

describe('the README’s table of sinks', () => {
  const text = section(README, 'Sinks');
  const rows = tableOf(text);

  it('names exactly the sinks and options there are', () => {
    expect(rows.map(([type]) => codeIn(String(type))[0])).toEqual(SINKS);
    for (const [type, options] of rows) {
      const name = String(codeIn(String(type))[0]);
      for (const option of keysOf(sinkSchema(name))) {
        expect(names(String(options), option), `${name}: ${option}`).toBe(true);
      }
      const written = codeIn(String(options)).map((code) => String(/^\w+/.exec(code)));
      const schema = sinkSchema(name);
      const choices = Object.values(optionsOf(schema)).flatMap((each) => each.enum ?? []);
      const known = [...keysOf(schema), ...choices];
      expect(written.filter((word) => !known.includes(word))).toEqual([]);
    }
  });

  it('or the text below it names every member and choice', () => {
    for (const type of SINKS) {
      for (const [option, schema] of Object.entries(optionsOf(sinkSchema(type)))) {
        const words = [...keysOf(schema), ...(schema.enum ?? [])];
        const choices = Object.values(optionsOf(schema)).flatMap((each) => each.enum ?? []);
        for (const word of [...words, ...choices]) {
          expect(names(text, String(word)), `${type}.${option}: ${word}`).toBe(true);
        }
      }
    }
  });
});

describe('the README’s table of answers', () => {
  const rows = tableOf(section(README, 'What is answered, and what the sender does with it')).map(
    ([answer = '', when = '', sender = '']) => ({
      statuses: (answer.match(/\b[2-5]\d\d\b/g) ?? []).map(Number),
      answer,
      when,
      sender,
    }),
  );
  const errors = [...read('src/errors.ts').matchAll(/^ {2}([A-Z_]+): \{ status: (\d{3})/gm)].map(
    (match) => ({ code: String(match[1]), status: Number(match[2]) }),
  );
  // Said to operators only: at start, by the admin listener, or about a sink.
  const inside = ['CONFIG_INVALID', 'START_FAILED', 'SINK_FAILED', 'FORBIDDEN'];
  const senders = errors.filter(({ code }) => !inside.includes(code));

  it('has exactly the statuses that senders are told', () => {
    expect(errors.length).toBeGreaterThan(20);
    const written = new Set(rows.flatMap(({ statuses }) => statuses));
    expect([...written].sort()).toEqual(
      [...new Set([200, ...senders.map(({ status }) => status)])].sort(),
    );
  });

  it('says of each what the vendors do with it', () => {
    for (const { statuses, sender } of rows) {
      for (const status of statuses) {
        const retried = status >= 500 || status === 429 || status === 408;
        const does = status === 200 ? /^is done/ : retried ? /^retries/ : /^drops/;
        expect(sender, String(status)).toMatch(does);
      }
    }
  });

  it('gives the limits that the decoder has', () => {
    const broken = rows.find(({ statuses }) => statuses.includes(400))?.when;
    for (const limit of Object.values(LIMITS)) {
      expect(broken).toContain(Number(limit).toLocaleString('en-US'));
    }
  });
});

describe('the README’s metrics', () => {
  it('are among those the receiver has', async () => {
    const text = await createMetrics().render({ pending: 0, inQuarantine: 0, sinks: [] });
    const written = [...new Set(README.match(/trackbridge_[a-z_]+(?=[`{])/g))];
    expect(written.length).toBeGreaterThan(2);
    for (const name of written) expect(text).toContain(`# TYPE ${name} `);
    const outcome = /outcome="(\w+)"/.exec(README)?.[1];
    expect(read('src/telemetry/metrics.ts')).toContain(`| '${outcome}'`);
  });
});

describe.each(['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'])('%s', (file) => {
  const text = read(file);

  it('links to what there is', () => {
    const inside = linksOf(text).filter((link) => !/^[a-z]+:/.test(link));
    const broken = inside.filter((link) => {
      const [path = '', anchor] = link.split('#');
      if (path !== '' && !existsSync(join(ROOT, path))) return true;
      return anchor !== undefined && !anchorsOf(path === '' ? text : read(path)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('names paths that there are', () => {
    const paths = codeIn(text).filter((code) =>
      /^(?:src|schemas|test|bench|\.ci)\/[\w./-]*$/.test(code),
    );
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('names scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const run = [...text.matchAll(/npm run ([a-z]+)/g)].map((match) => String(match[1]));
    expect(run.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});
