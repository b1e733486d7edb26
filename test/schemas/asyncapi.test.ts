import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Parser } from '@asyncapi/parser';
import { describe, expect, it } from 'vitest';
import { EVENT_TYPES } from '../../src/event/event.js';

const path = fileURLToPath(new URL('../../schemas/asyncapi.yaml', import.meta.url));
const ERROR = 0;

async function parse(change: (text: string) => string = (text) => text) {
  const text = change(await readFile(path, 'utf8'));
  const { document, diagnostics } = await new Parser().parse(text, { source: path });
  return { document, errors: diagnostics.filter(({ severity }) => severity === ERROR) };
}

describe('schemas/asyncapi.yaml', () => {
  it('is a valid AsyncAPI 2.6 document whose references all resolve', async () => {
    const { document, errors } = await parse();
    expect(errors).toEqual([]);
    expect(document?.version()).toBe('2.6.0');
  });

  it('refers to the schema file of every type', async () => {
    const { document } = await parse();
    const messages = document?.channels().get('events')?.messages().all() ?? [];
    expect(messages.map((message) => message.id()).sort()).toEqual(
      [...EVENT_TYPES, 'other'].sort(),
    );
    const ids = messages.map((message) => String(message.payload()?.$id()));
    for (const type of EVENT_TYPES) {
      expect(ids.some((id) => id.endsWith(`/events/${type}.schema.json`))).toBe(true);
    }
  });

  it('has the paths that both default sources listen on', async () => {
    const { document } = await parse();
    const channels = document
      ?.channels()
      .all()
      .map((channel) => channel.address());
    expect(channels).toEqual(expect.arrayContaining(['/segment', '/rudderstack']));
  });

  it('would be refused with a reference that leads nowhere', async () => {
    const { errors } = await parse((text) => text.replace('track.schema.json', 'none.schema.json'));
    expect(errors).not.toEqual([]);
  });

  it('would be refused with an example that its own schema refuses', async () => {
    const { errors } = await parse((text) => text.replace('type: track\n', 'type: 7\n'));
    expect(errors).not.toEqual([]);
  });
});
