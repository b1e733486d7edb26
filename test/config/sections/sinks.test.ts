import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { load, problemsOf } from '../support.js';

const refusal = (sink: string): string[] =>
  problemsOf(`sinks: { a: ${sink} }`).map((line) =>
    line.replace(/^trackbridge\.yaml:\d+:\d+: sinks\.a/, ''),
  );
const resolved = (sink: string) => load(`sinks: { a: ${sink} }`).config.sinks['a'];

const TYPES = readdirSync(new URL('../../../schemas/sinks', import.meta.url))
  .map((file) => file.replace('.schema.json', ''))
  .sort()
  .join(', ');

describe('sinks', () => {
  it('may be none', () => {
    expect(load('sinks: {}')).toMatchObject({ config: { sinks: {} }, warnings: [] });
  });

  it('have their own options apart from the common ones, converted and with defaults', () => {
    expect(
      resolved('{ type: file, path: x, rotate: { size: 1mb }, lanes: 2, timeout: 3s }'),
    ).toMatchObject({
      type: 'file',
      lanes: 2,
      timeout: 3_000,
      options: { path: 'x', rotate: { size: 1_048_576, keep: 5 } },
    });
  });

  it.each(['next', 'retained', '24h', '"2026-11-21T14:00:00Z"'])('may start with %s', (start) => {
    const sink = resolved(`{ type: stdout, start: ${start} }`);
    expect(sink).toMatchObject({ start: start.replaceAll('"', '') });
  });

  it.each(['yesterday', '"2026-13-21T14:00:00Z"'])('do not start with %s', (start) => {
    expect(refusal(`{ type: stdout, start: ${start} }`)).toEqual([
      '.start must be next, retained, a time such as 2026-11-21T14:00:00Z, or a duration such as 24h',
    ]);
  });

  it('may have defaults of their own for what all have in common', () => {
    const s3 = '{ type: s3, bucket: events, accessKeyId: k, secretAccessKey: s';
    expect(resolved(`${s3} }`)).toMatchObject({
      batch: { size: 10_000 },
      lanes: 1,
      timeout: 60_000,
      options: { region: 'us-east-1', prefix: '', close: { size: 33_554_432, age: 30_000 } },
    });
    expect(resolved(`${s3}, lanes: 3, batch: { wait: 5s } }`)).toMatchObject({
      batch: { size: 10_000, wait: 5_000 },
      lanes: 3,
    });
    expect(resolved('{ type: stdout }')).toMatchObject({ batch: { size: 100 }, lanes: 8 });
    expect(resolved('{ type: file, path: x }')).toMatchObject({ batch: { size: 1000 }, lanes: 1 });
  });

  it('may have an option of their own that hides a common one', () => {
    expect(resolved('{ type: stdout, format: json }')).toMatchObject({
      format: 'canonical',
      options: { format: 'json' },
    });
    expect(resolved('{ type: file, path: x, format: cloudevents }')?.format).toBe('cloudevents');
  });

  it.each([
    ['{ type: pulsar, brokers: x }', `.type has the unknown value "pulsar"; known are ${TYPES}`],
    ['{ type: htpp }', '.type has the unknown value "htpp"; did you mean "http"?'],
    ['{}', `.type is required; it must be one of ${TYPES}`],
    ['stdout', ' must be a mapping with a type'],
    ['{ type: stdout, path: x }', '.path is an option of type file and module, not of stdout'],
    ['{ type: stdout, lane: 1 }', '.lane is not a known option; did you mean "lanes"?'],
    [
      '{ type: stdout, format: cloudevents }',
      '.format has the unknown value "cloudevents"; known are pretty, json',
    ],
    [
      '{ type: file, path: x, format: pretty }',
      '.format has the unknown value "pretty"; known are canonical, cloudevents',
    ],
    ['{ type: file }', '.path is required'],
    ['{ type: stdout, batch: { size: 0 } }', '.batch.size must be at least 1'],
    [
      '{ type: stdout, batch: { wiat: 1s } }',
      '.batch.wiat is not a known option; did you mean "wait"?',
    ],
    ['{ type: stdout, lanes: 257 }', '.lanes must be at most 256'],
    ['{ type: stdout, timeout: 0s }', '.timeout must be at least 1ms'],
    ['{ type: stdout, retry: { initial: 10m } }', '.retry.initial is longer than retry.max'],
    ['{ type: stdout, where: { events: [] } }', '.where.events must not be empty'],
    [
      '{ type: stdout, where: { sources: [segmnt] } }',
      '.where.sources[0] is not a source; did you mean "segment"?',
    ],
    [
      '{ type: stdout, where: { types: [trak] } }',
      '.where.types[0] has the unknown event type "trak"; did you mean "track"?',
    ],
    ['{ type: stdout, where: { authenticated: 1 } }', '.where.authenticated must be true or false'],
  ])('%s is refused: %s', (sink, line) => {
    const lines = refusal(sink);
    expect(lines).toContain(line);
    expect(lines[0]).toBe(line);
  });

  it.each([
    'retry: { initial: 5m, max: 5m }',
    'where: { percent: 30, percentFrom: 30 }',
    'where: { percentFrom: 100 }',
    'batch: { size: 1 }',
    'lanes: 256',
    'timeout: 1ms',
  ])('accept the limit of an option itself: %s', (option) => {
    const sink = `{ type: http, url: "https://a.example", ${option} }`;
    expect(() => load(`sinks: { a: ${sink} }`)).not.toThrow();
  });

  it('filter by the types that a source adds', () => {
    const text = [
      'sources: { s: { type: segment, verify: { scheme: none }, extraTypes: [merge] } }',
      'sinks: { a: { type: stdout, where: { types: [merge] } } }',
    ].join('\n');
    expect(load(text).config.sinks['a']?.where).toEqual({ types: ['merge'] });
  });

  it('must not write to one file, nor into the outbox', () => {
    const file = (path: string): string => `{ type: file, path: ${path} }`;
    expect(problemsOf(`sinks: { a: ${file('./x/../y')}, b: ${file('y')} }`)).toEqual([
      'trackbridge.yaml:1:68: sinks.b.path is also the file of sink a; choose another file',
    ]);
    expect(problemsOf(`sinks: { a: ${file('data/outbox.db')} }`)).toEqual([
      'trackbridge.yaml:1:33: sinks.a.path is also the file of the outbox; choose another file',
    ]);
  });
});
