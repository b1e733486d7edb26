import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { attemptLine, deliveryLine } from '../../../src/commands/tail/line.js';
import type { DeliverySummary } from '../../../src/workbench/inspect/record.js';
import { summaryOf } from '../../support/fake-admin.js';

const plain = pc.createColors(false);
const line = (more: Partial<DeliverySummary> = {}): string =>
  deliveryLine(summaryOf('m-1', more), plain, 10);

describe('the line of a delivery', () => {
  it('says when, from where, what, whose and how it ended', () => {
    expect(line()).toBe(
      '03:04:05.678  segment     POST    200 accepted  track Order Completed  user u-1  verified  3 ms',
    );
  });

  it('says why it does not verify', () => {
    const refused = { status: 401, outcome: 'unauthenticated', verified: false, accepted: 0 };
    expect(line({ ...refused, reason: 'x-signature is missing' })).toContain(
      '  401 unauthenticated  track Order Completed  user u-1  not verified: x-signature is missing  ',
    );
    expect(line({ ...refused, detail: 'no' })).toContain('  not verified: no  ');
    expect(line({ verifiedBy: 'none' })).toContain('  unsigned  ');
  });

  it('says why it was refused before that, with its path in place of events', () => {
    const { first, verifiedBy, ...unread } = summaryOf('m-1');
    const broken = {
      ...unread,
      status: 400,
      outcome: 'undecodable',
      verified: null,
      detail: 'no JSON',
    };
    expect(deliveryLine(broken, plain, 4)).toBe(
      '03:04:05.678  segment  POST    400 undecodable  /segment  no JSON  3 ms',
    );
  });

  it('counts what became of a batch', () => {
    expect(line({ count: 9, accepted: 5, duplicates: 1, quarantined: 2, looped: 1 })).toContain(
      '  track Order Completed and 8 more  user u-1  verified  5 accepted, 1 duplicate, 2 quarantined, 1 looped  ',
    );
  });

  it('names sinks that failed, and no others', () => {
    const tally = { sink: 'good', delivered: 1, failed: 0, pending: 0, skipped: 0, dead: 0 };
    const sinks = [tally, { ...tally, sink: 'bad', failed: 2, dead: 1 }];
    expect(line({ sinks })).toMatch(/ {2}3 ms {2}bad: 2 failed, 1 dead$/);
  });

  it('shows what steers a terminal harmlessly, wherever it stands', () => {
    const evil = '\u001b]0;x\u0007\n\u202e';
    const shown = line({
      ...{ source: evil, method: evil, path: evil, outcome: evil, reason: evil, detail: evil },
      verified: false,
      first: { type: evil, event: evil, user: evil },
      sinks: [{ sink: evil, delivered: 0, failed: 1, pending: 0, skipped: 0, dead: 0 }],
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
    expect(shown).not.toMatch(/[\u0000-\u001f\u202e]/);
    expect(shown).toContain('\\u001b]0;x');
  });

  it('is in colours where those are wanted', () => {
    const shown = deliveryLine(summaryOf('m-1'), pc.createColors(true), 4);
    expect(shown).toContain('\u001b[32m200 accepted\u001b[39m');
    const bare = deliveryLine(summaryOf('m-1', { first: {} }), pc.createColors(true), 4);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: codes for colours are what this looks for
    expect(bare.replace(/\u001b\[\d+m/g, '')).toBe(
      line({ first: {} }).replace(/ {4}POST/, ' POST'),
    );
  });
});

describe('the line of an attempt', () => {
  const attempt = {
    deliveryId: 'd',
    at: '2026-01-02T03:04:06.000Z',
    sink: 'orders',
    eventIds: ['1', '2'],
    ms: 5,
  };

  it('says what a sink failed with, and whether it is tried again', () => {
    expect(attemptLine({ ...attempt, outcome: 'transient', error: 'a\u001bb' }, plain, 7)).toBe(
      '03:04:06.000  sink     orders  2 events failed, will be retried  a\\u001bb',
    );
    const said = { error: 'answered 400', farSide: 'bad\u001b' };
    expect(attemptLine({ ...attempt, outcome: 'permanent', ...said }, plain, 7)).toMatch(
      / {2}answered 400 {2}\(bad\\u001b\)$/,
    );
    expect(attemptLine({ ...attempt, eventIds: ['1'], outcome: 'permanent' }, plain, 7)).toContain(
      'orders  1 event rejected, now a dead letter',
    );
  });

  it('is none for one that did not fail', () => {
    for (const outcome of ['delivered', 'skipped'] as const) {
      expect(attemptLine({ ...attempt, outcome }, plain, 7)).toBe('');
    }
  });
});
