// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references look like template strings.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configFromObject, loadConfig } from '../../../src/config/load.js';
import { configErrorOf, ENV, load, problemsOf, temporaryDirectory } from '../support.js';

describe('a configuration file', () => {
  it('may be YAML or JSON, also with tabs', () => {
    const json = '{\n\t"server": {\n\t\t"port": 9000\n\t}\n}\n';
    expect(load(json).config).toEqual(load('server:\n  port: 9000\n').config);
  });

  it.each(['', '\n\n', '# nothing\n', 'null', '---\n'])('holding %j means all defaults', (text) => {
    expect(load(text).config).toEqual(loadConfig({ env: ENV, keepSecrets: false }).config);
  });

  it.each([
    [
      'a list',
      '- server',
      '1:1: the configuration must be a mapping of server, admin, outbox, sources, sinks, telemetry, parity',
    ],
    [
      'a repeated key',
      'server: {}\nserver: {}',
      '2:1: the same key stands here a second time; remove one of them',
    ],
    [
      'two documents',
      'server: {}\n---\nsinks: {}',
      '2:1: a second document begins here; leave one, without "---"',
    ],
    ['a tag', 'admin: { token: !hunter2 x }', '1:17: text that begins with "!" must be in quotes'],
    [
      'an alias of nothing',
      'admin:\n  token: *hunter2',
      '2:10: text that begins with "*" must be in quotes; no &anchor has this name',
    ],
    [
      'a reserved character',
      'admin: { token: @hunter2 }',
      '1:17: text that begins with @ or ` must be in quotes',
    ],
    [
      'an unquoted reference in brackets',
      'a:\n  secrets: [${HUNTER2}]',
      '2:14: this is not well-formed YAML or JSON; inside [ ] and { } put "${NAME}" in quotes',
    ],
    [
      'an open bracket',
      'server: {',
      '1:10: the indentation does not fit, or a bracket or quote is left open',
    ],
  ])('with %s is refused with the place and without its text', (_, text, line) => {
    const [first, ...rest] = problemsOf(text);
    expect(first).toBe(`trackbridge.yaml:${line}`);
    expect([first, ...rest].join()).not.toContain('hunter2');
  });

  it('may use anchors, aliases and merges', () => {
    const { config } = load(
      [
        'sources:',
        '  a: &a { type: segment, path: /a, verify: { scheme: none } }',
        '  b: { <<: *a, path: /b }',
        'sinks:',
        '  x: { type: stdout, where: &w { sources: [a] } }',
        '  y: { type: stdout, where: *w }',
      ].join('\n'),
    );
    expect(config.sources['b']).toMatchObject({ type: 'segment', path: '/b' });
    expect(config.sinks['y']?.where).toEqual({ sources: ['a'] });
  });

  it('is refused where its aliases multiply beyond measure', () => {
    const levels = Array.from({ length: 9 }, (_, at) => {
      const name = String.fromCharCode(97 + at);
      const below = at === 0 ? 'x' : `*${String.fromCharCode(96 + at)}`;
      return `${name}: &${name} [${Array(9).fill(below).join(', ')}]`;
    });
    expect(problemsOf(levels.join('\n'))).toEqual([
      'trackbridge.yaml: the *aliases of this file stand for far too much; write it out',
    ]);
  });

  it('reports all problems in the order of the file, with what is missing last', () => {
    const error = configErrorOf(() =>
      load('sources:\n  s:\n    type: segment\n    verfy: { scheme: none }\nserver:\n  port: -1\n'),
    );
    expect(error.message).toBe(
      'trackbridge.yaml:4:5: sources.s.verfy is not a known option; did you mean "verify"? (and 2 more)',
    );
    expect(error.errors).toEqual([
      {
        path: '/sources/s/verfy',
        message:
          'trackbridge.yaml:4:5: sources.s.verfy is not a known option; did you mean "verify"?',
      },
      { path: '/server/port', message: 'trackbridge.yaml:6:9: server.port must be at least 0' },
      {
        path: '/sources/s/verify',
        message:
          'trackbridge.yaml:2:3: sources.s.verify is required; set a scheme, or write "verify: { scheme: none }" ' +
          'to accept deliveries from anyone',
      },
    ]);
  });

  it('keeps every error on one line, whatever the keys hold', () => {
    const [line] = problemsOf('"a\\n\\e[31mb\\u202e": 1');
    expect(line).toMatch(/^trackbridge\.yaml:1:1: "a\\n\\u/);
    expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
  });
});

describe('loadConfig', () => {
  it('reads the file it is given, with or without a byte order mark', () => {
    const file = join(temporaryDirectory(), 'trackbridge.json');
    writeFileSync(file, '\uFEFF{ "server": { "port": 9000 }, "sinks": {} }');
    const { config } = loadConfig({ file, env: ENV });
    expect(config).toEqual(configFromObject({ server: { port: 9000 }, sinks: {} }, ENV).config);
    expect(config.server.port).toBe(9000);
  });

  it('names the file as it was given in its errors', () => {
    const file = join(temporaryDirectory(), 'trackbridge.yaml');
    writeFileSync(file, 'server:\n  prot: 1\n');
    expect(configErrorOf(() => loadConfig({ file, env: ENV })).message).toBe(
      `${file}:2:3: server.prot is not a known option; did you mean "port"?`,
    );
    expect(configErrorOf(() => configFromObject({ server: { prot: 1 } }, ENV)).message).toBe(
      'server.prot is not a known option; did you mean "port"?',
    );
  });
});

describe('a file that cannot be read', () => {
  const read = (file: string): string =>
    configErrorOf(() => loadConfig({ file, env: ENV })).message;

  it('is said to be missing, a directory, no UTF-8 text, or too large', () => {
    const directory = temporaryDirectory();
    const place = (name: string): string => join(directory, name);
    mkdirSync(place('folder'));
    writeFileSync(place('latin1.yaml'), Buffer.from([0x61, 0x3a, 0x20, 0xe9]));
    writeFileSync(place('large.yaml'), `#${' '.repeat(4 * 1024 * 1024)}`);
    expect(read(place('none.yaml'))).toBe(
      `${place('none.yaml')} does not exist; check the path given with --config`,
    );
    expect(read(place('folder'))).toBe(
      `${place('folder')} is a directory; give the path of a file`,
    );
    expect(read(place('latin1.yaml'))).toBe(
      `${place('latin1.yaml')} is not UTF-8; save it as UTF-8`,
    );
    expect(read(place('large.yaml'))).toMatch(/is larger than 4 MB/);
    writeFileSync(place('large.yaml'), `#${' '.repeat(4 * 1024 * 1024 - 1)}`);
    expect(() => loadConfig({ file: place('large.yaml'), env: ENV })).not.toThrow();
  });
});
