import { readdirSync, readFileSync } from 'node:fs';

const SCHEMAS = new URL('../../schemas/', import.meta.url);

/**
 * Returns the published description of what the receiver accepts, by the path it is served under: the AsyncAPI document
 * and, next to it as its references expect, the schemas of the events. The list is fixed and read once, so that no path
 * reaches another file.
 */
export function publishedSchemas(): ReadonlyMap<string, { type: string; text: string }> {
  const files = [
    'asyncapi.yaml',
    'event.schema.json',
    ...readdirSync(new URL('events/', SCHEMAS)).map((file) => `events/${file}`),
  ];
  return new Map(
    files.map((file) => [
      `/${file}`,
      {
        type: file.endsWith('.yaml') ? 'application/yaml' : 'application/schema+json',
        text: readFileSync(new URL(file, SCHEMAS), 'utf8'),
      },
    ]),
  );
}
