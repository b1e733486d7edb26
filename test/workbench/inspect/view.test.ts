import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SourceConfig } from '../../../src/config/config.js';
import { curlOf } from '../../../src/workbench/inspect/curl.js';
import { fixtureOf } from '../../../src/workbench/inspect/fixture.js';
import { createMask, MASKED } from '../../../src/workbench/inspect/mask.js';
import { Recording } from '../../../src/workbench/inspect/recording.js';
import { REDACTED } from '../../../src/workbench/inspect/redact.js';
import { createView, type View } from '../../../src/workbench/inspect/view.js';
import { spellingsOf } from '../../security/spellings.js';
import { sourceConfig } from '../../sources/support.js';
import { answer, judged, start } from './recordings.js';

const SHARED: SourceConfig['verify'] = [
  { scheme: 'shared-secret', header: 'X-Signature', secrets: ['the-shared-secret-of-it'] },
];

function viewOf(secrets: readonly string[], redact: readonly string[] = []): View {
  return createView({
    mask: createMask(secrets),
    redact,
    sinks: ['archive'],
    sources: {
      segment: sourceConfig({ path: '/segment' }),
      shared: sourceConfig({ path: '/shared', type: 'rudderstack', verify: SHARED }),
      web: sourceConfig({ path: '/', type: 'tracking-api' }),
    },
  });
}

interface Parts {
  readonly url?: string;
  readonly header?: string;
  readonly body?: string;
  readonly value?: string;
  readonly said?: string;
  readonly source?: string;
}

/** A delivery with these texts wherever a text can be. */
function recordingWith({ body, header, said, source, url, value }: Parts): Recording {
  const recording = new Recording(
    start({
      url: url ?? '/segment',
      source: source ?? 'segment',
      rawHeaders: ['Host', 'here', 'X-Any', header ?? 'a', 'X-Signature', 'other'],
    }),
  );
  recording.read(Buffer.from(body ?? '{}'));
  recording.verified({ passed: false, reason: said ?? 'no' });
  const event = {
    type: 'track',
    event: value ?? 'A',
    properties: { [value ?? 'k']: [value ?? 1] },
  };
  recording.judged(
    judged({
      decoded: event,
      canonical: JSON.stringify(event),
      messageId: value ?? 'm',
      violations: [{ path: `/${value}`, message: said ?? '' }],
    }),
  );
  recording.appended([{ outcome: 'accepted', id: '1' }]);
  recording.attempted(
    { at: '', sink: 'archive', eventIds: ['1'], ms: 1, outcome: 'transient', error: said ?? '' },
    [0],
  );
  recording.answered(
    answer({ body: said ?? '', headers: { 'x-said': said ?? '' }, detail: said ?? '', code: 'X' }),
  );
  return recording;
}

/** Everything that leaves, the body as text as well. */
function shownOf(recording: Recording, view: View): string {
  const record = view.record(recording);
  return [
    JSON.stringify(view.summary(recording)),
    JSON.stringify(record),
    Buffer.from(record.request.body, 'base64').toString('latin1'),
    view.body(recording).bytes.toString('latin1'),
    JSON.stringify(fixtureOf(recording, view)),
    curlOf(recording, view, 'http://127.0.0.1:8080'),
  ].join('\n');
}

describe('a view', () => {
  it('never shows a configured secret, wherever and however it came', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9+/=_.:@!&"'\\ -]{10,50}$/);
    const write = fc.constantFrom<(text: string) => string>(
      (text) => text,
      encodeURIComponent,
      (text) => JSON.stringify(text).slice(1, -1),
      (text) => Buffer.from(text).toString('base64'),
      (text) => Buffer.from(`user:${text}`).toString('base64'),
      (text) => Buffer.from(text).toString('hex'),
    );
    fc.assert(
      fc.property(secret, write, (text, writer) => {
        fc.pre(text.trim().length > 8);
        const written = writer(text);
        const inUrl = encodeURIComponent(written);
        const recording = recordingWith({
          url: `/segment?key=${inUrl}`,
          header: `Token ${written}`,
          body: JSON.stringify({ a: written, [written]: 1 }),
          value: written,
          said: `it said ${written}`,
        });
        const shown = shownOf(recording, viewOf([text]));
        for (const spelling of spellingsOf(text)) expect(shown).not.toContain(spelling);
        expect(shown).not.toContain(JSON.stringify(written).slice(1, -1));
      }),
      {
        numRuns: 300,
        seed: 7,
        // Ends like the beginning of an escape, and holds more that looks like one.
        examples: [['+."&/\\/\\!"\\', (text) => text]],
      },
    );
  });

  it('masks what is a credential by its name, also one that is not configured', () => {
    const recording = new Recording(
      start({
        source: 'shared',
        url: '/shared?writeKey=abc&b=1',
        rawHeaders: [
          ...[
            'Authorization',
            'Basic abc',
            'COOKIE',
            'a=b',
            'x-signature',
            'wrong',
            'x-hub',
            'sig',
          ],
        ],
      }),
    );
    recording.answered(answer());
    const view = viewOf([]);
    expect(view.headers(recording)).toEqual([
      ['Authorization', MASKED],
      ['COOKIE', MASKED],
      ['x-signature', MASKED],
      ['x-hub', 'sig'],
    ]);
    expect(view.summary(recording).path).toBe(`/shared?writeKey=${MASKED}&b=1`);
    expect(fixtureOf(recording, view)).toMatchObject({
      headers: [['x-hub', 'sig']],
      masked: ['Authorization', 'COOKIE', 'x-signature'],
      path: `/shared?writeKey=${MASKED}&b=1`,
    });
  });

  it('shows a signature, which is no secret, and what it covers', () => {
    const recording = recordingWith({});
    expect(viewOf([]).headers(recording)).toContainEqual(['X-Signature', 'other']);
  });

  it('never shows what is redacted, in event, body, query, envelope or error', () => {
    const canary = 'canary-value-of-it';
    const view = viewOf([], ['properties.card', 'userId', 'event']);
    const event = { type: 'track', event: canary, userId: canary, properties: { card: canary } };
    const recording = new Recording(
      start({
        source: 'shared',
        url: `/shared/track/${canary}?card=${canary}&userId=${canary}`,
        rawHeaders: ['X-Trackbridge-Event', canary, 'x-trackbridge-event-2', canary],
      }),
    );
    recording.read(Buffer.from(JSON.stringify([{ json: event }])));
    recording.verified({ passed: true, verifiedBy: 'shared-secret' });
    const violations = [{ path: '/userId', message: `must not be ${canary}` }];
    recording.judged(judged({ decoded: event, canonical: JSON.stringify(event), violations }));
    recording.appended([{ outcome: 'accepted', id: '1' }]);
    const failed = { outcome: 'permanent', error: 'it answered 400', farSide: canary } as const;
    recording.attempted({ at: '', sink: 'archive', eventIds: ['1'], ms: 1, ...failed }, [0]);
    recording.answered(answer());
    const shown = shownOf(recording, view);
    expect(shown).not.toContain(canary);
    expect(shown).not.toContain(Buffer.from(canary).toString('base64').slice(0, -3));
    expect(view.record(recording)).toMatchObject({
      path: `/shared/${REDACTED}?card=${REDACTED}&userId=${REDACTED}`,
      first: { type: 'track', event: REDACTED, user: REDACTED },
      request: { bodyRedacted: true },
      attempts: [{ error: 'it answered 400' }],
    });
  });

  it('redacts the address of a user whose browser sends', () => {
    const view = viewOf([], ['context.ip']);
    const from = (source: string) => {
      const recording = new Recording(
        start({ source, rawHeaders: ['X-Forwarded-For', '9.9.9.9'] }),
      );
      recording.answered(answer());
      return [view.summary(recording).remote, view.headers(recording)[0]?.[1]];
    };
    expect(from('web')).toEqual([REDACTED, REDACTED]);
    expect(from('segment')).toEqual(['10.0.0.1', '9.9.9.9']);
  });

  it('shows at most 1 MB of a body, without half a secret at its end', () => {
    const secret = 'the-secret-at-the-very-end';
    const limit = 1024 * 1024;
    const body = `${'x'.repeat(limit - 10)}${secret}${'y'.repeat(100)}`;
    const recording = recordingWith({ body });
    const { request } = viewOf([secret]).record(recording);
    const shown = Buffer.from(request.body, 'base64').toString();
    expect(shown).toHaveLength(limit);
    expect(shown.slice(-10)).toBe(`${MASKED}yy`.slice(0, 10));
    expect(request).toMatchObject({
      bodyBytes: body.length,
      bodyTruncated: true,
      bodyRedacted: true,
    });
  });

  it('says of the same delivery the same, but for what sinks made of it since', () => {
    const view = viewOf([]);
    const recording = recordingWith({});
    const { sinks: before, ...fixed } = view.summary(recording);
    recording.attempted(
      { at: '', sink: 'archive', eventIds: ['1'], ms: 1, outcome: 'delivered' },
      [0],
    );
    const { sinks: after, ...again } = view.summary(recording);
    expect(again).toEqual(fixed);
    expect([before, after]).toMatchObject([[{ failed: 1 }], [{ delivered: 1, failed: 0 }]]);
  });
});
