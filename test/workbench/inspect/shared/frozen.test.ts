import { describe, expect, it } from 'vitest';
import { createMask } from '../../../../src/workbench/inspect/mask.js';
import { Recording } from '../../../../src/workbench/inspect/recording.js';
import {
  type FrozenRecording,
  freeze,
  thaw,
} from '../../../../src/workbench/inspect/shared/frozen.js';
import { createView, type View } from '../../../../src/workbench/inspect/view.js';
import { sourceConfig } from '../../../sources/support.js';
import { answer, judged, start } from '../recordings.js';

const SECRET = 'the-secret-of-the-source';

function viewOf(redact: readonly string[] = []): View {
  return createView({
    mask: createMask([SECRET]),
    redact,
    sinks: ['archive'],
    sources: { segment: sourceConfig({ path: '/segment' }) },
  });
}

interface Made {
  readonly body?: string;
  readonly headers?: readonly string[];
  readonly events?: number;
}

function recorded({
  body = '{"a":1}',
  events = 1,
  headers = ['X-Any', 'b'],
}: Made = {}): Recording {
  const recording = new Recording(start({ member: 'first', rawHeaders: [...headers] }));
  recording.read(Buffer.from(body));
  recording.verified({ passed: true, verifiedBy: 'none' });
  for (let index = 0; index < events; index += 1) recording.judged(judged({ index }));
  recording.appended(
    Array.from({ length: events }, (_, index) => ({ outcome: 'accepted', id: `e${index}` })),
  );
  recording.answered(answer());
  return recording;
}

/** The recording as another member gets it, over JSON. */
const passed = (recording: Recording, view = viewOf()): Recording =>
  thaw(JSON.parse(JSON.stringify(freeze(recording, view))) as FrozenRecording);

describe('a delivery of another member', () => {
  it('shows what it shows where it arrived', () => {
    const view = viewOf();
    const recording = recorded();
    expect(view.record(passed(recording))).toEqual(view.record(recording));
    expect(view.url(passed(recording))).toBe(view.url(recording));
    expect(passed(recording).origin).toMatchObject({ isCut: false, isWhole: true, isExact: true });
    expect(passed(recording).eventIds).toEqual(['e0']);
  });

  it('holds no secret and nothing that is redacted', () => {
    const recording = recorded({
      body: JSON.stringify({ properties: { card: '4111' }, secret: SECRET }),
      headers: ['Authorization', `Bearer ${SECRET}`],
    });
    const text = JSON.stringify(freeze(recording, viewOf(['properties.card'])));
    expect(text).not.toContain(SECRET);
    const { origin } = passed(recording, viewOf(['properties.card']));
    expect(origin).toMatchObject({ isHidden: true, isWhole: false, isExact: false });
    expect(passed(recording, viewOf(['properties.card'])).body?.toString()).not.toContain('4111');
  });

  it('is not exact with a masked header, though its body is whole', () => {
    const { origin } = passed(recorded({ headers: ['Authorization', 'Bearer x'] }));
    expect(origin).toMatchObject({ isWhole: true, isExact: false });
  });

  it('is cut to a part of a large body and of many events', () => {
    const large = passed(recorded({ body: JSON.stringify({ a: 'x'.repeat(100_000) }) }));
    expect(large.body).toHaveLength(65_536);
    expect(large.bodyBytes).toBe(100_008);
    expect(large.origin).toMatchObject({ isCut: true, isWhole: false });
    const view = viewOf();
    expect(view.record(large).request).toMatchObject({ bodyBytes: 100_008, bodyTruncated: true });
    const many = passed(recorded({ events: 120 }));
    expect(many.events).toHaveLength(50);
    expect(many.counts.accepted).toBe(120);
    expect(many.eventIds).toHaveLength(120);
    expect(many.origin).toMatchObject({ isCut: false, isWhole: false });
  });
});
