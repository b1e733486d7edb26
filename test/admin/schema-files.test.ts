import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { publishedSchemas } from '../../src/admin/schema-files.js';

const published = publishedSchemas();

/** The files that a document refers to, as paths it is served beside. */
function referencesOf(path: string, value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    if (name !== '$ref' || typeof member !== 'string') return referencesOf(path, member);
    const [file = ''] = member.split('#');
    return file === '' || /^https?:/.test(file) ? [] : [posix.join(posix.dirname(path), file)];
  });
}

describe('what is published', () => {
  it('is the AsyncAPI document and the schemas of the events, and nothing of the configuration', () => {
    const paths = [...published.keys()];
    expect(paths).toEqual(
      expect.arrayContaining(['/asyncapi.yaml', '/event.schema.json', '/events/track.schema.json']),
    );
    expect(paths.filter((path) => /config|sinks|spec/.test(path))).toEqual([]);
  });

  it('is complete: every file that one refers to is served where it expects it', () => {
    const references = [...published].flatMap(([path, { type, text }]) =>
      referencesOf(path, type === 'application/yaml' ? parse(text) : JSON.parse(text)),
    );
    expect(references.length).toBeGreaterThan(0);
    for (const reference of references) expect([...published.keys()]).toContain(reference);
  });

  it('says what it is', () => {
    for (const [path, { type }] of published) {
      expect(type, path).toBe(
        path.endsWith('.yaml') ? 'application/yaml' : 'application/schema+json',
      );
    }
  });
});
