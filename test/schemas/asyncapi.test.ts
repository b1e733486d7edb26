import { describe, expect, it } from 'vitest';
import { EVENT_TYPES } from '../../src/event/event.js';
import { brokenExamples, parseDocument as parse } from './asyncapi-document.js';

describe('schemas/asyncapi.yaml', () => {
  it('is a valid AsyncAPI 3 document whose references all resolve', async () => {
    const { document, errors } = await parse();
    expect(errors).toEqual([]);
    expect(document?.version()).toBe('3.0.0');
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

  it('has a channel for every way in', async () => {
    const { document } = await parse();
    const channels = document
      ?.channels()
      .all()
      .map((channel) => channel.address());
    expect(channels).toEqual(
      expect.arrayContaining([
        ...['/segment', '/rudderstack', '/rudderstack/{path}', '/v1/webhook', '/v1/batch'],
        ...['identify', 'track', 'page', 'screen', 'group', 'alias'].map((type) => `/v1/${type}`),
      ]),
    );
  });

  it('would be refused with a reference that leads nowhere', async () => {
    const { errors } = await parse((text) => text.replace('track.schema.json', 'none.schema.json'));
    expect(errors).not.toEqual([]);
  });

  it('has examples that their own schemas accept', async () => {
    expect(await brokenExamples()).toEqual([]);
    const broken = await brokenExamples((text) => text.replace('type: track\n', 'type: 7\n'));
    expect(broken).toEqual(['segmentEvent']);
  });
});
