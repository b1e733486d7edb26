import { afterEach, describe, expect, it, vi } from 'vitest';
import { toSinkEvent } from '../../../src/dispatch/routing/format.js';
import { anEvent } from '../fakes.js';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('toSinkEvent', () => {
  it('hands canonical text on as it is, and parses it once and only when looked at', () => {
    const text = JSON.stringify(anEvent('m1'), undefined, 1);
    const parse = vi.spyOn(JSON, 'parse');
    const event = toSinkEvent(text, 'canonical');
    expect(event.json).toBe(text);
    expect(parse).not.toHaveBeenCalled();
    expect([event.messageId, event.event.type]).toEqual(['m1', 'track']);
    expect(parse).toHaveBeenCalledTimes(1);
  });

  it('knows the deduplication key of a received event without parsing the event', () => {
    const { receipt, ...event } = anEvent('m1');
    const text = JSON.stringify({ ...event, receipt });
    const parse = vi.spyOn(JSON, 'parse');
    expect(toSinkEvent(text, 'canonical').dedupeKey).toBe('segment:m1');
    expect(parse).not.toHaveBeenCalledWith(text);
    const other = JSON.stringify({ receipt, ...event });
    expect(toSinkEvent(other, 'canonical').dedupeKey).toBe('segment:m1');
    expect(parse).toHaveBeenCalledWith(other);
  });

  it('wraps it as CloudEvents 1.0', () => {
    const original = anEvent('m1');
    const event = toSinkEvent(JSON.stringify(original), 'cloudevents');
    expect(JSON.parse(event.json)).toEqual({
      specversion: '1.0',
      id: 'segment:m1',
      source: 'trackbridge/segment',
      type: 'trackbridge.track',
      time: '2024-01-02T03:04:05.678Z',
      subject: 'u1',
      datacontenttype: 'application/json',
      data: original,
    });
    expect([event.messageId, event.dedupeKey]).toEqual(['m1', 'segment:m1']);
    expect(event.event).toEqual(original);
  });

  it('names the anonymous user as subject, or nobody', () => {
    const subjectOf = (ids: object) => {
      const { userId: _, ...rest } = anEvent('m1');
      const { json } = toSinkEvent(JSON.stringify({ ...rest, ...ids }), 'cloudevents');
      return JSON.parse(json);
    };
    expect(subjectOf({ anonymousId: 'a1' }).subject).toBe('a1');
    expect(subjectOf({ userId: '', anonymousId: 'a1' }).subject).toBe('a1');
    expect(subjectOf({})).not.toHaveProperty('subject');
  });

  it('keeps the source a URI reference whatever the name holds', () => {
    const { receipt } = anEvent('m1');
    const named = (source: string) => {
      const text = JSON.stringify(anEvent('m1', { receipt: { ...receipt, source } }));
      return JSON.parse(toSinkEvent(text, 'cloudevents').json).source;
    };
    expect(named('my source/ü')).toBe('trackbridge/my%20source%2F%C3%BC');
    expect(named('\ud800')).toBe('trackbridge/%EF%BF%BD');
  });
});
